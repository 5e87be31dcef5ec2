export type { Ending } from '../decisions/tokenWatch.ts'
export { AuthError, type Code, type Reason, type Recover } from '../errors.ts'
export type { Log } from '../log.ts'
export type { FetchRequest, RequestLike } from '../request/message.ts'
export type { TokenViewer, ViewerClaims } from '../viewer.ts'
export type { VerifierAuth, VerifierContext } from './context.ts'
export { createVerifier, type Verifier } from './createVerifier.ts'
export type { VerifierDecision } from './decider.ts'
export type {
  GuardedRequest,
  GuardRequirement,
  PlainReply,
  PlainResponse,
  VerifierHook,
  VerifierMiddleware,
} from './middleware.ts'
export type { RedisVerifierOptions, VerifierOptions } from './options.ts'
export { type RedisRevocations, redis } from './redis.ts'
export type { RedisClient } from './redisClient.ts'
