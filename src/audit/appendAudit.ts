import type { Queries } from '../database/open.ts'
import { auditEvents } from '../database/tables.ts'

/** An event, its actor and its origin. Never an e-mail, password or token: people type into the wrong field. */
export interface AuditEvent {
  readonly kind: AuditKind
  readonly actorId?: string | null | undefined
  readonly userId?: string | null | undefined
  readonly sessionId?: string | null | undefined
  readonly ipAddress?: string | null | undefined
  readonly device?: string | null | undefined
  readonly detail?: string | null | undefined
}

export type AuditKind =
  | 'register'
  | 'login'
  | 'login-failed'
  | 'logout'
  | 'refresh-reused'
  | 'renew'
  | 'revoke-session'
  | 'revoke-sessions'
  | 'revoke-other-sessions'
  | 'reauthenticate'
  | 'reauthenticate-failed'
  | 'change-password'
  | 'change-password-failed'
  | 'block-user'
  | 'unblock-user'
  | 'set-user-access'
  | 'revoke-user-sessions'
  | 'delete-user'
  | 'revoke-everything'
  | 'create-user'
  | 'import-users'
  | 'set-password'

/** Appends to `audit_events`, in the transaction of the change that the event tells of: both commit, or neither. */
export async function appendAudit(tx: Queries, event: AuditEvent): Promise<void> {
  await tx.insert(auditEvents).values(event)
}
