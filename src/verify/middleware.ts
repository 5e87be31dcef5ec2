import { AuthError } from '../errors.ts'
import { check } from '../graphql/meets.ts'
import { checkRequirement, type Requirement } from '../graphql/requirements.ts'
import type { RequestLike } from '../request/message.ts'
import type { TokenViewer } from '../viewer.ts'
import { refusalOf } from './answer.ts'
import { tokenOf } from './context.ts'
import type { Decider } from './decider.ts'

/** Who may pass. Without any of these: every live token. */
export interface GuardRequirement {
  /** Whether a request without a token, or with a refused one, passes too: then `auth` is undefined. Default: false. */
  readonly optional?: boolean | undefined
  /** One of these roles is needed. */
  readonly roles?: readonly string[] | undefined
  /** All scopes of one of these lists are needed. */
  readonly scopes?: readonly (readonly string[])[] | undefined
  /** Seconds within which the user must have proved who they are. */
  readonly maxAge?: number | undefined
  /** Whether a second factor, or a passkey, must be among the proofs. Default: false. */
  readonly mfa?: boolean | undefined
}

/** A request that a guard has let pass. */
export interface GuardedRequest {
  /** The sender; undefined where the guard is `optional` and there is none. */
  auth?: TokenViewer | undefined
}

/** The part of a response of Express that is used. Node's own fits. */
export interface PlainResponse {
  statusCode: number
  setHeader(name: string, value: string): unknown
  end(body: string): unknown
}

/** The part of a reply of Fastify that is used. */
export interface PlainReply {
  code(status: number): PlainReply
  header(name: string, value: string): PlainReply
  send(body: unknown): unknown
}

/** A middleware of Express 5, in types of its own. */
export type VerifierMiddleware = (
  request: RequestLike & GuardedRequest,
  response: PlainResponse,
  next: (error?: unknown) => void,
) => void

/** A hook of Fastify 5 (`onRequest`), in types of its own. */
export type VerifierHook = (request: RequestLike, reply: PlainReply) => Promise<unknown>

type Passed = TokenViewer | undefined | AuthError

/** Decides about a request. A decision from memory is no promise. */
export function openGuard(of: string, { decide, now }: Decider, requirement: GuardRequirement) {
  const { optional, ...required } = checkGuard(of, requirement)
  const requirements = [required]
  const judge = (decision: TokenViewer | AuthError): Passed => {
    if (optional && decision instanceof AuthError && decision.code === 'UNAUTHENTICATED') return undefined
    try {
      check(decision, requirements, { now })
    } catch (error) {
      if (error instanceof AuthError) return error
      throw error
    }
    return decision
  }
  return (request: RequestLike): Passed | Promise<Passed> => {
    const decision = decide(tokenOf(request))
    return decision instanceof Promise ? decision.then(judge) : judge(decision)
  }
}

/** @throws TypeError */
function checkGuard(of: string, requirement: GuardRequirement): Requirement & { optional: boolean } {
  const { optional = false, ...others } = Object(requirement) as GuardRequirement
  if (typeof optional !== 'boolean') throw new TypeError(`${of}: "optional" must be true or false.`)
  try {
    const checked = checkRequirement(others, of)
    if (optional && Object.keys(checked).length > 0)
      throw new TypeError('"optional" lets everybody pass, so nothing else can be required.')
    return { ...checked, optional }
  } catch (error) {
    throw error instanceof TypeError ? error : new TypeError(error instanceof Error ? error.message : of)
  }
}

export function expressGuard(decider: Decider, requirement: GuardRequirement): VerifierMiddleware {
  const guard = openGuard('verifier.express', decider, requirement)
  return (request, response, next) => {
    const conclude = (passed: Passed) => {
      if (passed instanceof AuthError) return answer(response, passed)
      // Whatever stood there before, and whatever header the client has sent.
      request.auth = passed
      next()
    }
    const passed = guard(request)
    if (passed instanceof Promise) passed.then(conclude).catch(next)
    else conclude(passed)
  }
}

function answer(response: PlainResponse, error: AuthError): void {
  const { status, headers, body } = refusalOf(error)
  response.statusCode = status
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  response.end(JSON.stringify(body))
}

export function fastifyGuard(decider: Decider, requirement: GuardRequirement): VerifierHook {
  const guard = openGuard('verifier.fastify', decider, requirement)
  return async (request, reply) => {
    const passed = await guard(request)
    if (!(passed instanceof AuthError)) {
      Object.assign(request, { auth: passed })
      return undefined
    }
    const { status, headers, body } = refusalOf(passed)
    for (const [name, value] of Object.entries(headers)) reply.header(name, value)
    return reply.code(status).send(body)
  }
}
