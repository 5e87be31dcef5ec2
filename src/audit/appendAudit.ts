import { sql } from 'drizzle-orm'
import type { AuditEvent, AuditKind } from '../app/auditEvent.ts'
import type { Queries } from '../database/open.ts'
import { preparedOnce } from '../database/preparedOnce.ts'
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
  const { kind, actorId = null, userId = null, sessionId = null } = entry
  const { ipAddress = null, device = null, detail = null } = entry
  const values = { kind, actorId, userId, sessionId, ipAddress, device, detail }
  const [row] = await insertion(queries).execute(values)
  if (row === undefined) throw new Error('An inserted event was not returned.')
  return Object.freeze({ id: String(row.number), at: row.time, ...values })
}

const { placeholder } = sql

const insertion = preparedOnce(queries =>
  queries
    .insert(auditEvents)
    .values({
      kind: placeholder('kind'),
      actorId: placeholder('actorId'),
      userId: placeholder('userId'),
      sessionId: placeholder('sessionId'),
      ipAddress: placeholder('ipAddress'),
      device: placeholder('device'),
      detail: placeholder('detail'),
    })
    .returning({ number: auditEvents.id, time: auditEvents.at })
    .prepare('annul_append_audit'),
)
