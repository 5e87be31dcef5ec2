import type { AuditEvent, AuditKind } from '../app/auditEvent.ts'
import type { Queries } from '../database/open.ts'
import { auditEvents } from '../database/tables.ts'
import { eventsIn, type Transacting } from '../database/transact.ts'

/** An event, its actor and its origin. Never an e-mail, password or token: people type into the wrong field. */
export interface AuditEntry {
  readonly kind: AuditKind
  readonly actorId?: string | null | undefined
  readonly userId?: string | null | undefined
  readonly sessionId?: string | null | undefined
  readonly ipAddress?: string | null | undefined
  readonly device?: string | null | undefined
  readonly detail?: string | null | undefined
}

/**
 * Appends to `audit_events`, in the transaction of the change that the event tells of: both commit, or neither. After
 * the commit, the app is told (`onEvent`).
 *
 * @param tx a transaction of `transact`
 */
export async function appendAudit(tx: Queries, entry: AuditEntry): Promise<void> {
  const events = eventsIn(tx)
  events.push(await insert(tx, entry))
}

/** Appends an event that tells of no change, as a transaction of its own. */
export async function appendAuditAlone({ db, app }: Transacting, entry: AuditEntry): Promise<void> {
  app.events.tell(await insert(db, entry))
}

async function insert(queries: Queries, entry: AuditEntry): Promise<AuditEvent> {
  const { id: number, at: time } = auditEvents
  const [row] = await queries.insert(auditEvents).values(entry).returning({ number, time })
  if (row === undefined) throw new Error('An inserted event was not returned.')
  const { kind, actorId = null, userId = null, sessionId = null } = entry
  const { ipAddress = null, device = null, detail = null } = entry
  const id = String(row.number)
  return Object.freeze({ id, at: row.time, kind, actorId, userId, sessionId, ipAddress, device, detail })
}
