import { randomUUID } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { OpenedAuth } from '../auth.ts'
import { outageOf } from '../database/outage.ts'
import { AuthError, unavailable } from '../errors.ts'
import type { Parts } from '../parts.ts'
import { stateOf } from '../request/context.ts'
import { isForeignPage } from '../request/cookies.ts'
import { responseOf } from '../request/handedOver.ts'
import { formLimitBytes, formType, readForm } from './account/form.ts'
import { type AccountPage, accountHeaders, renderPage } from './account/layout.ts'
import { resetPasswordPage } from './account/resetPasswordPage.ts'
import { restoreEmailPage } from './account/restoreEmailPage.ts'
import { type AccountRoute, Complained, type Fields, sentences } from './account/route.ts'
import { verifyEmailPage } from './account/verifyEmailPage.ts'
import { refusalOfRequest } from './answerErrors.ts'

const routes: readonly AccountRoute[] = [verifyEmailPage, resetPasswordPage, restoreEmailPage]

/**
 * The pages behind the links in mails. Scanners of mail open every link, and some of them more than once, so a GET
 * changes nothing, whoever sends it: only the form of the page uses a token up. The pages need no script, and load
 * nothing.
 */
export async function addAccountPages(app: FastifyInstance, auth: OpenedAuth): Promise<void> {
  const { parts } = auth
  const send = (reply: FastifyReply, page: AccountPage, status = 200) =>
    reply.status(status).headers(accountHeaders).send(renderPage(parts.config.siteName, page))

  const refuse = (
    request: FastifyRequest,
    reply: FastifyReply,
    { status, code, page, retryAfter }: Refusal,
  ) => {
    request.note.code = code
    if (retryAfter !== undefined) reply.header('retry-after', retryAfter)
    return send(reply, page, status)
  }

  const carryOut = async (route: AccountRoute, request: FastifyRequest, reply: FastifyReply) => {
    const fields = readForm(request.body, route.fields)
    if (fields === undefined) return refuse(request, reply, unreadable)
    const { visitor } = stateOf(auth.context(request, responseOf(reply)).auth)
    try {
      return send(reply, await route.carryOut(parts, visitor, fields))
    } catch (error) {
      const refusal =
        error instanceof Complained ? complained(parts, route, fields, error) : failed(parts, error)
      return refuse(request, reply, refusal)
    }
  }

  await app.register(async pages => {
    pages.removeAllContentTypeParsers()
    pages.addContentTypeParser(formType, { parseAs: 'string' }, (_request, body, done) => done(null, body))
    pages.addHook('onRequest', (request, reply, done) => {
      if (request.method === 'POST' && isForeignPage(parts.config, request)) refuse(request, reply, foreign)
      else done()
    })
    pages.setErrorHandler<Error & { statusCode?: number; code?: string }>(async (error, request, reply) =>
      refuse(request, reply, refusalOfForm(error) ?? failed(parts, error)),
    )

    const config = {
      answerUnavailable(request: FastifyRequest, reply: FastifyReply) {
        refuse(request, reply, failed(parts, unavailable()))
      },
    }
    for (const route of routes) {
      const { url } = route
      pages.get(url, { config }, async (request, reply) =>
        send(reply, route.show(parts, tokenOf(parts, request))),
      )
      pages.post(url, { config, bodyLimit: formLimitBytes }, (request, reply) =>
        carryOut(route, request, reply),
      )
      pages.route({
        url,
        method: pages.supportedMethods.filter(method => !['GET', 'HEAD', 'POST'].includes(method)),
        // Before the body is read.
        onRequest: async (request, reply) =>
          refuse(request, reply.header('allow', 'GET, HEAD, POST'), otherMethod),
        handler: async () => {},
      })
    }
  })
}

/** A token of the address, if it is one of this server's: no other text becomes part of a page. Needs no query. */
function tokenOf({ oneTimeTokens }: Parts, { query }: FastifyRequest): string | undefined {
  const { token } = query as { token?: unknown }
  return typeof token === 'string' && oneTimeTokens.read(token) !== undefined ? token : undefined
}

interface Refusal {
  readonly status: number
  /** For the log. */
  readonly code: string
  readonly page: AccountPage
  /** Seconds. */
  readonly retryAfter?: number
}

/** The form once more. A token that was refused is not kept: the code, or a new mail, is asked for. */
function complained(
  parts: Parts,
  route: AccountRoute,
  fields: Fields,
  { complaint, page: own }: Complained,
): Refusal {
  const { token = '' } = fields
  const kept = complaint.field !== 'token' && parts.oneTimeTokens.read(token) !== undefined
  const page = own ?? route.show(parts, kept ? token : undefined, complaint)
  return { status: 400, code: 'BAD_USER_INPUT', page }
}

/** What a verb threw. Anything but an AuthError is logged with an id, which the page tells. */
function failed({ log }: Parts, error: unknown): Refusal {
  const known = error instanceof AuthError ? error : outageOf(error) ? unavailable() : undefined
  if (known === undefined) {
    const id = randomUUID()
    log.error({ err: error, id }, 'A request failed.')
    const page = sentences(
      'Something went wrong on the server',
      `The log of the server has details, with the id ${id}.`,
    )
    return { status: 500, code: 'INTERNAL_SERVER_ERROR', page }
  }
  const { code, message, details } = known
  const status = statuses[code] ?? 400
  if (typeof details.retryAfter !== 'number')
    return { status, code, page: sentences('This did not work', message) }
  const { retryAfter } = details
  const page = sentences('Please wait a moment', message, `Send the form again in ${duration(retryAfter)}.`)
  return { status, code, page, retryAfter }
}

const statuses: Partial<Record<string, number>> = { TOO_MANY_REQUESTS: 429, UNAVAILABLE: 503 }

function duration(seconds: number): string {
  const [count, unit] = seconds < 90 ? [Math.ceil(seconds), 'second'] : [Math.ceil(seconds / 60), 'minute']
  return `${count} ${unit}${count === 1 ? '' : 's'}`
}

function refusalOfForm({
  code,
  statusCode = 500,
}: {
  code?: string
  statusCode?: number
}): Refusal | undefined {
  const known = refusalOfRequest(code)
  return known && { status: statusCode, code: known.code, page: unreadable.page }
}

const unreadable: Refusal = {
  status: 400,
  code: 'BAD_REQUEST',
  page: sentences(
    'This form can not be read',
    'Open the link of the mail again, and send the form of the page.',
  ),
}

const foreign: Refusal = {
  status: 403,
  code: 'ORIGIN_NOT_ALLOWED',
  page: sentences(
    'This form was sent by another page',
    'Open the link of the mail again, and send the form of the page.',
    'If this comes again, your browser does not tell which page a form comes from: use a current browser, and open the page by https.',
  ),
}

const otherMethod: Refusal = {
  status: 405,
  code: 'METHOD_NOT_ALLOWED',
  page: sentences('This address has a page', 'It is opened by GET, and its form is sent by POST.'),
}
