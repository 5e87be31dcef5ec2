export { type ErrorExtensions, SessionError } from './error.ts'
export type { ItemStorage, MapStorage, SessionStorage } from './platform/storage.ts'
export type {
  FactorAnswer,
  FactorMethod,
  FactorQuestion,
  PasskeyAnswer,
  StepUpAnswer,
  StepUpQuestion,
} from './questions.ts'
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
