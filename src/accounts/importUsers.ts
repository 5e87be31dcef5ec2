import { sql } from 'drizzle-orm'
import { appendAudit } from '../audit/appendAudit.ts'
import { byViewer } from '../audit/byViewer.ts'
import { arrayOf } from '../database/arrayOf.ts'
import { type Queries, rows } from '../database/open.ts'
import { transact } from '../database/transact.ts'
import { AuthError } from '../errors.ts'
import type { Parts } from '../parts.ts'
import { isForeign } from '../passwords/foreign/foreignHashes.ts'
import { type ImportedUser, importedUserReader } from './importedUser.ts'

/** A line of a file, counted from 1. */
export interface ImportLine {
  readonly number: number
  /** Undefined: too long, or not UTF-8. */
  readonly text: string | undefined
}

export interface Imported {
  /** Users that were made. */
  imported: number
  /** Lines whose user was there already, from an earlier run or an equal line. */
  present: number
  /** Lines that were refused. */
  refused: number
}

export interface ImportReport {
  /** Takes each refused line and its reason, which holds nothing of the line. */
  onRefused(line: number, reason: string): void
  /** Takes the sum after each batch, when the batch is committed. */
  onBatch?(sum: Readonly<Imported>): void
}

/** One transaction takes this many lines: long enough to be quick, and far below the deadline of a transaction. */
const batchLines = 1000

interface Line {
  readonly number: number
  readonly user: ImportedUser
}

interface Refused {
  readonly number: number
  readonly reason: string
}

interface Batch {
  readonly users: Line[]
  readonly refused: Refused[]
}

/**
 * Makes users from the lines of a file, with the hashes that another system made of their passwords. Each batch of lines
 * is one transaction, with one event of the audit. After a failure the same lines again make the users that are missing.
 *
 * @param secret ANNUL_SECRET
 * @throws OutageError when the database can't be asked: the batches before are committed, and the others not begun
 */
export async function importUsers(
  parts: Pick<Parts, 'app' | 'db'>,
  secret: Uint8Array,
  lines: AsyncIterable<ImportLine>,
  report: ImportReport,
): Promise<Imported> {
  const read = importedUserReader(secret)
  const sum: Imported = { imported: 0, present: 0, refused: 0 }
  const write = async ({ users, refused }: Batch) => {
    const written = await transact(parts, tx => importBatch(tx, users))
    const allRefused = [...refused, ...written.refused].sort((one, other) => one.number - other.number)
    sum.imported += written.imported
    sum.present += users.length - written.imported - written.refused.length
    sum.refused += allRefused.length
    for (const { number, reason } of allRefused) report.onRefused(number, reason)
    report.onBatch?.(sum)
  }

  // While one batch is written, the next one is read and checked.
  let writing: Promise<void> = Promise.resolve()
  let batch: Batch = { users: [], refused: [] }
  try {
    for await (const line of lines) {
      if (line.text?.trim() === '') continue
      readInto(batch, line, read)
      if (batch.users.length + batch.refused.length < batchLines) continue
      await writing
      writing = write(batch)
      // An error is thrown by the next `await writing`, and must not end the process before.
      writing.catch(() => {})
      batch = { users: [], refused: [] }
    }
    await writing
    if (batch.users.length + batch.refused.length > 0) await write(batch)
  } finally {
    await writing.catch(() => {})
  }
  return sum
}

function readInto(batch: Batch, { number, text }: ImportLine, read: (line: string) => ImportedUser): void {
  if (text === undefined) {
    batch.refused.push({ number, reason: 'line: This is longer than 64 KiB, or not UTF-8.' })
    return
  }
  try {
    batch.users.push({ number, user: read(text) })
  } catch (error) {
    if (!(error instanceof AuthError)) throw error
    batch.refused.push({ number, reason: `${error.details.argument}: ${error.message}` })
  }
}

async function importBatch(
  tx: Queries,
  batch: readonly Line[],
): Promise<{ imported: number; refused: Refused[] }> {
  // Two imports at once would wait for each other's rows.
  await tx.execute(sql`select pg_advisory_xact_lock(hashtext('annul.import_users'))`)
  const made = await insert(tx, batch)
  const others = batch.filter(line => !made.has(line))
  const present = await presentUsers(tx, others)
  const refused: Refused[] = []
  for (const { number, user } of others) {
    const reason = conflictOf(user, present)
    if (reason !== undefined) refused.push({ number, reason })
  }
  const first = batch[0]?.number
  const last = batch.at(-1)?.number
  const { detail } = byViewer(null)
  if (made.size > 0)
    await appendAudit(tx, {
      kind: 'import-users',
      detail: `${detail}; ${made.size} users of the lines ${first} to ${last}`,
    })
  return { imported: made.size, refused }
}

/** @returns the lines whose users were made */
async function insert(tx: Queries, batch: readonly Line[]): Promise<Set<Line>> {
  // Of several lines with one id, the first: a row that comes back names one line.
  const byId = new Map<string, Line>()
  for (const line of batch) if (!byId.has(line.user.id)) byId.set(line.user.id, line)
  const users = [...byId.values()].map(({ user }) => user)
  const column = (read: (user: ImportedUser) => string | null) => sql`${arrayOf(users.map(read))}::text`
  // A column is an array: of JSON, PostgreSQL would read a row in the time in which it inserts one.
  const inserted = await rows<{ id: string }>(
    tx,
    sql`insert into annul.users
        (id, email, email_key, email_verified, password_hash, roles, scopes, created_at)
      select id, email, email_key, email_verified, password_hash,
        string_to_array(roles, ' '), string_to_array(scopes, ' '), coalesce(created_at, now())
      from unnest(
        ${column(user => user.id)}::uuid[], ${column(user => user.email)}::text[],
        ${column(user => user.emailKey)}::text[], ${column(user => String(user.emailVerified))}::boolean[],
        ${column(user => user.passwordHash)}::text[], ${column(user => user.roles.join(' '))}::text[],
        ${column(user => user.scopes.join(' '))}::text[], ${column(user => user.createdAt)}::timestamptz[]
      ) as line(id, email, email_key, email_verified, password_hash, roles, scopes, created_at)
      on conflict do nothing
      returning id`,
  )
  const made = new Set<Line>()
  for (const { id } of inserted) {
    const line = byId.get(id)
    if (line !== undefined) made.add(line)
  }
  return made
}

interface Present {
  readonly id: string
  readonly status: string
  readonly email: string | null
  readonly emailKey: string | null
  readonly emailVerified: boolean
  readonly passwordHash: string | null
  /** Separated by spaces, which no role or scope has. */
  readonly roles: string
  readonly scopes: string
  /** Milliseconds since 1970. */
  readonly createdAt: number
}

/** The users that have the id or the e-mail of a line, by both. */
async function presentUsers(tx: Queries, lines: readonly Line[]): Promise<ReadonlyMap<string, Present>> {
  if (lines.length === 0) return new Map()
  const ids = arrayOf(lines.map(({ user }) => user.id))
  const keys = arrayOf(lines.map(({ user }) => user.emailKey))
  const columns = sql`id, status, email, email_key as "emailKey", email_verified as "emailVerified",
    password_hash as "passwordHash", array_to_string(roles, ' ') as roles,
    array_to_string(scopes, ' ') as scopes, extract(epoch from created_at)::float8 * 1000 as "createdAt"`
  // Two look-ups: for one with `or`, the whole table would be read.
  const found = await rows<Present>(
    tx,
    sql`select ${columns} from unnest(${ids}::text::uuid[]) as line(value)
        join annul.users on id = line.value
      union all
      select ${columns} from unnest(${keys}::text::text[]) as line(value)
        join annul.users on email_key = line.value`,
  )
  // No id has an @, and every e-mail has one.
  return new Map(found.flatMap(row => [row.id, row.emailKey ?? row.id].map(key => [key, row])))
}

/** Why a line's user could not be made; undefined: the user is there already. */
function conflictOf(user: ImportedUser, present: ReadonlyMap<string, Present>): string | undefined {
  const row = present.get(user.id)
  if (row === undefined)
    return present.has(user.emailKey)
      ? 'email: There is an account with this e-mail.'
      : 'line: There was an account that is gone now. Run the command again.'
  // The id is made of everything that the line says.
  if (!user.hasOwnId) return undefined
  if (row.status === 'DELETED') return 'id: The account with this id was deleted.'
  if (row.emailKey !== user.emailKey) return 'id: There is an account with this id, and another e-mail.'
  const different = differenceOf(user, row)
  return different && `${different}: There is this account already, with another value.`
}

function differenceOf(user: ImportedUser, row: Present): string | undefined {
  const same = {
    email: user.email === row.email,
    emailVerified: user.emailVerified === row.emailVerified,
    // A hash that is Annul's own has replaced the imported one since.
    passwordHash:
      user.passwordHash === row.passwordHash || (row.passwordHash !== null && !isForeign(row.passwordHash)),
    roles: user.roles.join(' ') === row.roles,
    scopes: user.scopes.join(' ') === row.scopes,
    createdAt: user.createdAt === null || Date.parse(user.createdAt) === Math.round(row.createdAt),
  }
  return Object.entries(same).find(([, isSame]) => !isSame)?.[0]
}
