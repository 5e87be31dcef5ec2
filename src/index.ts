export type { AuditEvent, AuditKind } from './app/auditEvent.ts'
export type { Hook, HookParameter, Hooks, HookTransaction, RecoveredHook } from './app/hooks.ts'
export type { MailContents, MailKind, MailOptions, MailText } from './app/mails.ts'
export type { AppOptions } from './app/options.ts'
export type { AppUser } from './app/user.ts'
export { type Auth, type AuthOptions, createAuth } from './auth.ts'
export { type Config, ConfigError, readConfig } from './config.ts'
export { AuthError, type Code, type Reason, type Recover } from './errors.ts'
export type { ApolloSettings } from './graphql/apolloSettings.ts'
export type { Bounds } from './graphql/bounds/limits.ts'
export { type GuardOptions, guardSchema } from './graphql/directive.ts'
export type { SubgraphOptions } from './graphql/federation.ts'
export { type FieldGuard, listGuards } from './graphql/listGuards.ts'
export type { Rename } from './graphql/rename.ts'
export { type Requirement, SchemaError } from './graphql/requirements.ts'
export type { SchemaExtension } from './graphql/schema.ts'
export type { RunningServer, ServerOptions } from './http/serverOptions.ts'
export { startServer } from './http/startServer.ts'
export type { Log } from './log.ts'
export type { Settings } from './options.ts'
export type { AuthContext, GraphQLContext } from './request/context.ts'
export type {
  FetchConnection,
  FetchRequest,
  HeaderList,
  ReplyLike,
  RequestLike,
  ResponseLike,
} from './request/message.ts'
export type { FetchContext, OpenContext } from './request/openContext.ts'
export type { AppTransaction } from './revocation/appTransaction.ts'
export type { AcceptOptions } from './tokens/acceptOptions.ts'
export type { Viewer, Visitor } from './viewer.ts'
