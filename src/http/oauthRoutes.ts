import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { OpenedAuth } from '../auth.ts'
import { unavailable } from '../errors.ts'
import { authenticateService, readCredentials } from '../oauth/authenticateService.ts'
import { introspect } from '../oauth/introspect.ts'
import { oauthPaths } from '../oauth/metadata.ts'
import { invalidRequest } from '../oauth/oauthError.ts'
import { bodyLimitBytes, readTokenParameter } from '../oauth/parameters.ts'
import { openPlaces } from '../oauth/places.ts'
import { revokeSubject } from '../oauth/revokeSubject.ts'
import { revokeToken } from '../oauth/revokeToken.ts'
import { stateOf } from '../request/context.ts'
import { responseOf } from '../request/handedOver.ts'
import type { Right } from '../services/rights.ts'
import type { DeviceVisitor } from '../viewer.ts'
import { formType } from './account/form.ts'
import { answerOAuthError } from './oauthErrors.ts'

/**
 * Introspection (RFC 7662) and revocation (RFC 7009, and of all of a user's tokens), for services. No answer may be read
 * by a page of another origin, because none has a header of CORS, and no cookie is looked at.
 */
export async function addOAuthRoutes(app: FastifyInstance, auth: OpenedAuth): Promise<void> {
  const { parts, services, strict } = auth
  const places = openPlaces(Math.max(1, Math.floor(parts.config.maxInFlight / 2)))
  const visitorOf = (request: FastifyRequest, reply: FastifyReply): DeviceVisitor =>
    stateOf(auth.context(request, responseOf(reply)).auth).visitor
  const authenticate = (request: FastifyRequest, visitor: DeviceVisitor, right: Right) =>
    authenticateService(
      { limits: parts.limits, services },
      visitor,
      readCredentials(request.headers.authorization),
      right,
    )

  await app.register(async oauth => {
    const asks = prepare(oauth, auth)
    oauth.addContentTypeParser(formType, { parseAs: 'string' }, (_request, body, done) => done(null, body))

    asks(oauthPaths.introspect, async (request, reply) => {
      const service = await authenticate(request, visitorOf(request, reply), 'introspect')
      const token = readTokenParameter(request.body)
      return places.within(service.id, () => introspect(parts, strict, token))
    })

    asks(oauthPaths.revoke, async (request, reply) => {
      const visitor = visitorOf(request, reply)
      // Without credentials, the token must be the sender's own refresh token.
      const isPublic = request.headers.authorization === undefined
      const service = isPublic ? undefined : await authenticate(request, visitor, 'revoke')
      const token = readTokenParameter(request.body)
      const work = () => revokeToken(parts, visitor, service, token)
      await (service === undefined ? work() : places.within(service.id, work))
      return reply.send()
    })
  })

  await app.register(async oauth => {
    const asks = prepare(oauth, auth)
    oauth.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) =>
      done(null, body),
    )

    asks(oauthPaths.globalRevoke, async (request, reply) => {
      const visitor = visitorOf(request, reply)
      const service = await authenticate(request, visitor, 'revoke')
      const body = parsed(request.body)
      await places.within(service.id, () => revokeSubject(parts, visitor, service, body))
      return reply.status(204).send()
    })
  })
}

type Handler = (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>

/** Makes a scope whose errors are those of OAuth. @returns adds a route that takes POST alone */
function prepare(oauth: FastifyInstance, { parts }: OpenedAuth): (url: string, handler: Handler) => void {
  oauth.removeAllContentTypeParsers()
  oauth.setErrorHandler(async (error, request, reply) => answerOAuthError(parts, error, request, reply))
  const config = {
    answerUnavailable(request: FastifyRequest, reply: FastifyReply) {
      answerOAuthError(parts, unavailable(), request, reply)
    },
  }
  // A URL ends up in logs and histories: neither tokens nor secrets are taken from it.
  const refuseQuery = async (request: FastifyRequest) => {
    if (request.url.includes('?'))
      throw invalidRequest(
        'Nothing may stand in the URL: a token belongs in the body, a secret in the header.',
      )
  }
  return (url, handler) => {
    oauth.post(url, { config, bodyLimit: bodyLimitBytes, onRequest: refuseQuery }, handler)
    oauth.route({
      url,
      method: oauth.supportedMethods.filter(method => method !== 'POST'),
      // Before the body is read.
      onRequest: async (_request, reply) => {
        reply.header('allow', 'POST')
        throw invalidRequest('This address takes POST alone.', 405)
      },
      handler: async () => {},
    })
  }
}

/** @throws OAuthError invalid_request */
function parsed(body: unknown): unknown {
  try {
    return JSON.parse(String(body))
  } catch {
    throw invalidRequest('The body is not valid JSON.')
  }
}
