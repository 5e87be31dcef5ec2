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
  const [row] = await insertion(queries).execute(eventParameters(entry))
  return eventOf(entry, row)
}

/** What an appended row tells. */
interface Appended {
  readonly number: bigint | number
  readonly time: Date
}

function eventOf(entry: AuditEntry, row: Appended | undefined): AuditEvent {
  if (row === undefined) throw new Error('An inserted event was not returned.')
  return Object.freeze({ id: String(row.number), at: row.time, ...withNulls(entry) })
}

function withNulls(entry: AuditEntry) {
  const { kind, actorId = null, userId = null, sessionId = null } = entry
  const { ipAddress = null, device = null, detail = null } = entry
  return { kind, actorId, userId, sessionId, ipAddress, device, detail }
}

/** The values of `eventInsertion`'s placeholders, which share no name with those of a statement around it. */
export function eventParameters(entry: AuditEntry): Record<`event.${keyof AuditEntry}`, string | null> {
  const { kind, actorId, userId, sessionId, ipAddress, device, detail } = withNulls(entry)
  return {
    'event.kind': kind,
    'event.actorId': actorId,
    'event.userId': userId,
    'event.sessionId': sessionId,
    'event.ipAddress': ipAddress,
    'event.device': device,
    'event.detail': detail,
  }
}

/** As `appendAudit`, for a statement that has appended the event together with its change. */
export function noteAppended(tx: Queries, entry: AuditEntry, row: Appended): void {
  eventsIn(tx).push(eventOf(entry, row))
}

const placeholder = (name: keyof AuditEntry) => sql.placeholder(`event.${name}`)

/** Appends an event; a part of a larger statement, too. */
export function eventInsertion(queries: Queries) {
  return queries
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
}

const insertion = preparedOnce(queries => eventInsertion(queries).prepare('annul_append_audit'))
