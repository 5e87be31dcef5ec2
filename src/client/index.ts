export { SessionError } from './error.ts'
export type { ItemStorage, MapStorage, SessionStorage } from './platform/storage.ts'
export { createSession } from './session.ts'
export type {
  GraphQLFailure,
  GraphQLResult,
  Sent,
  Session,
  SessionOptions,
  SessionState,
  SessionUser,
  SignedOutReason,
} from './types.ts'
