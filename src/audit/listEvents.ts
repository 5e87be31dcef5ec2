import { type SQL, sql } from 'drizzle-orm'
import { rows } from '../database/open.ts'
import { badUserInput } from '../errors.ts'
import { checkId } from '../input/id.ts'
import { checkText } from '../input/text.ts'
import type { Parts } from '../parts.ts'
import type { ListPosition } from '../tokens/auditCursor.ts'
import type { Viewer } from '../viewer.ts'
import { isByService } from './byService.ts'

const maxFirst = 200
/**
 * More than there are ever transactions, subtransactions included, that run with numbers above the last one that has
 * ended. A snapshot does not name those.
 */
const maxRunning = 10_000
/** A transaction begins at most this long before it commits (revocation/fence.ts), with a wide margin. */
const longestTransaction = sql.raw(`interval '1 hour'`)

/** An event as it is listed. */
export interface ListedEvent {
  readonly id: string
  readonly at: Date
  readonly kind: string
  readonly userId: string | null
  readonly actorId: string | null
  readonly sessionId: string | null
  readonly ipAddress: string | null
  readonly detail: string | null
}

/** A page of events, the newest first. */
export interface EventPage {
  readonly edges: readonly { readonly cursor: string; readonly node: ListedEvent }[]
  readonly hasNextPage: boolean
  readonly hasPreviousPage: boolean
}

export interface PageInput {
  readonly first: number
  readonly after?: string | null | undefined
}

/**
 * The events of everybody. Every event that is committed when the first page is read comes exactly once, and so does
 * every event with a lower number that commits later, at the latest on the page after its commit.
 *
 * @param input.first 1 to 200
 * @param input.after the cursor of the last event of the page before, of the same user and kind
 * @throws AuthError BAD_USER_INPUT
 */
export async function listEvents(
  parts: Pick<Parts, 'db' | 'auditCursors'>,
  input: PageInput & { userId?: string | null | undefined; kind?: string | null | undefined },
): Promise<EventPage> {
  const userId = input.userId == null ? null : checkId(input.userId, 'userId')
  const kind = input.kind == null ? null : checkText(input.kind, 100, 'kind')
  return readPage(parts, input, JSON.stringify(['events', userId, kind]), { userId, kind })
}

/**
 * What happened to the viewer's own account. Of what an admin or a service did, neither address nor session nor words
 * are shown: they are the other's.
 *
 * @throws AuthError BAD_USER_INPUT
 */
export async function listOwnEvents(
  parts: Pick<Parts, 'db' | 'auditCursors'>,
  { userId }: Pick<Viewer, 'userId'>,
  input: PageInput,
): Promise<EventPage> {
  const list = JSON.stringify(['own events', userId])
  const page = await readPage(parts, input, list, { userId, kind: null })
  const edges = page.edges.map(({ cursor, node }) => ({ cursor, node: shownTo(userId, node) }))
  return { ...page, edges }
}

function shownTo(userId: string, event: ListedEvent): ListedEvent {
  const isOthers = event.actorId === null ? isByService(event) : event.actorId !== userId
  if (!isOthers) return event
  return { ...event, sessionId: null, ipAddress: null, detail: null }
}

async function readPage(
  { db, auditCursors }: Pick<Parts, 'db' | 'auditCursors'>,
  { first, after }: PageInput,
  list: string,
  filter: { userId: string | null; kind: string | null },
): Promise<EventPage> {
  if (first < 1 || first > maxFirst)
    throw badUserInput('first', 'FIRST_OUT_OF_RANGE', `"first" must be from 1 to ${maxFirst}.`)
  const position = after == null ? undefined : auditCursors.read(list, after)
  if (after != null && position === undefined)
    throw badUserInput('after', 'CURSOR_INVALID', 'This is not a cursor of this list.')

  const found = await rows<EventRow>(db, pageStatement(position, conditionOf(filter), first + 1))
  const top = position?.top ?? found[0]?.id ?? ''
  const edges = found.slice(0, first).map(row => ({
    cursor: auditCursors.write(list, positionAfter(row, position, { top, readAt: row.readAt })),
    node: eventOf(row),
  }))
  return { edges, hasNextPage: found.length > first, hasPreviousPage: position !== undefined }
}

/** @internal The events of a user, of a kind, of both, or all. */
export function conditionOf({ userId, kind }: { userId: string | null; kind: string | null }): SQL {
  return sql`(${userId === null ? sql`true` : sql`user_id = ${userId}::uuid`}
    and ${kind === null ? sql`true` : sql`kind = ${kind}`})`
}

/** Which part of a page an event is of: in this order they stand. */
type Part = 'pending' | 'late' | 'older'

interface EventRow extends Omit<ListedEvent, 'at'> {
  readonly part: Part
  /** Milliseconds since 1970. */
  readonly at: number
  readonly snapshot: string
  readonly readAt: string
}

const columns = sql.raw(`
  id, (extract(epoch from at) * 1000)::float8 as at, kind, user_id, actor_id, session_id, ip_address, detail`)

/**
 * @internal The statement of a page. Each part of it reads as many rows as the page has, from an index.
 *
 * Ids are given before the commit, so a lower id may commit after a higher one. A page notes the snapshot that it was
 * read in. The next page holds, beside the events below the last one, those above that the snapshot did not contain:
 * of transactions that it names as running, or that had numbers above all that it knows and an id of the first page's
 * range. Events that are newer than the first page are of neither kind.
 *
 * @param filter a condition on the columns
 */
export function pageStatement(position: ListPosition | undefined, filter: SQL, limit: number): SQL {
  const parts = position === undefined ? [] : latePartsOf(position, filter, limit)
  const below = position === undefined ? sql`true` : sql`id < ${position.id}::bigint`
  const older = sql`(
    select 3 as place, 'older' as part, ${columns} from annul.audit_events
    where ${filter} and ${below} order by id desc limit ${limit})`
  return sql`
    select part, id::text as id, at, kind, user_id as "userId", actor_id as "actorId", session_id as "sessionId",
      host(ip_address) as "ipAddress", detail, pg_current_snapshot()::text as snapshot,
      extract(epoch from now())::bigint::text as "readAt"
    from (${sql.join([...parts, older], sql` union all `)}) as page
    order by place, page.id desc limit ${limit}`
}

function latePartsOf(position: ListPosition, filter: SQL, limit: number): SQL[] {
  const { id, snapshot, late } = position
  const above = sql`${filter} and id >= ${id}::bigint`
  const part = (place: number, name: Part, since: string, condition: SQL) => sql`(
    select ${sql.raw(String(place))} as place, ${sql.raw(`'${name}'`)} as part, ${columns} from (
      ${notContainedIn(since, position, sql`${above} and ${condition}`)}) as late
    order by id desc limit ${limit})`
  if (late === undefined) return [part(2, 'late', snapshot, sql`true`)]
  return [
    part(
      1,
      'pending',
      snapshot,
      sql`id < ${late.id}::bigint and pg_visible_in_snapshot(xid, ${late.snapshot}::pg_snapshot)`,
    ),
    part(2, 'late', late.snapshot, sql`true`),
  ]
}

/** The events that have committed since a snapshot, found by the numbers of their transactions. */
function notContainedIn(snapshot: string, { top, readAt }: ListPosition, condition: SQL): SQL {
  const [, next = '0', running = ''] = snapshot.split(':')
  const end = String(BigInt(next) + BigInt(maxRunning))
  // A restored database has numbers of transactions of another cluster in it. Those events are old.
  const recent = sql`at > to_timestamp(${readAt}::float8) - ${longestTransaction}`
  return sql`
    select * from annul.audit_events
    where xid = any (${`{${running}}`}::text::xid8[]) and ${recent} and ${condition}
    union all
    select * from annul.audit_events
    where xid >= ${next}::text::xid8 and xid < ${end}::text::xid8 and id < ${top}::bigint and ${recent}
      and ${condition}`
}

function positionAfter(
  { part, id, snapshot }: EventRow,
  position: ListPosition | undefined,
  first: Pick<ListPosition, 'top' | 'readAt'>,
): ListPosition {
  if (position === undefined || part === 'older')
    return { ...first, id, snapshot, readAt: position?.readAt ?? first.readAt }
  const { late } = position
  if (part === 'pending') return { ...position, late: { id, snapshot: late?.snapshot ?? snapshot } }
  // What was late in the page before is listed to its end.
  return { ...position, snapshot: late?.snapshot ?? position.snapshot, late: { id, snapshot } }
}

function eventOf({ part: _, snapshot: __, readAt: ___, at, ...event }: EventRow): ListedEvent {
  return { ...event, at: new Date(at) }
}
