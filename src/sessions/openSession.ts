import { randomUUID } from 'node:crypto'
import { sql } from 'drizzle-orm'
import { type AuditEntry, eventInsertion, eventParameters, noteAppended } from '../audit/appendAudit.ts'
import { firstOf, type Queries } from '../database/open.ts'
import { missedReference } from '../database/outage.ts'
import { preparedOnce } from '../database/preparedOnce.ts'
import { type SessionRow, sessionColumns } from '../database/rows.ts'
import { sessions } from '../database/tables.ts'
import { invalidCredentials } from '../errors.ts'
import { methods } from '../factors/amr.ts'
import type { Parts } from '../parts.ts'
import type { DeviceVisitor } from '../viewer.ts'
import { issueTokens, type TokenSource, type Tokens } from './issueTokens.ts'

/** How a user has proved who they are, when it was not the password alone. */
export interface Proved {
  readonly amr: readonly string[]
  readonly factorIds: readonly string[]
}

/**
 * The common ending of login and register: a new session, and its first tokens, by one statement. The versions are those
 * of the row whose password was checked; if they were raised since, the session is refused from the start.
 *
 * @param options.id the session's; default: a new one
 * @param options.proved default: by the password alone
 * @param options.event appended by the same statement; its session is the new one. Default: none
 */
export async function openSession(
  parts: Parts,
  tx: Queries,
  visitor: DeviceVisitor,
  checked: Omit<TokenSource, 'session'>,
  options: {
    cookie: boolean
    id?: string
    proved?: Proved | undefined
    event?: Omit<AuditEntry, 'sessionId'>
  },
): Promise<Tokens> {
  const { id = randomUUID(), proved, event, cookie } = options
  const { sessionIdleSeconds, sessionMaxSeconds } = parts.config
  const checkedAt = checked.readAt * 1000
  const stored = {
    id,
    generation: 1,
    // The iat of the access token is this time: with now() the token would look older than the session, and never be
    // renewed.
    authTime: new Date(checkedAt),
    amr: [...(proved?.amr ?? methods.password)],
  }
  // Made first, so that what can't be issued leaves no session, also where the statement is a transaction by itself. The
  // row's ends are counted from when it is written: the tokens never outlive it.
  const idleExpiresAt = new Date(checkedAt + 1000 * sessionIdleSeconds)
  const expiresAt = new Date(checkedAt + 1000 * sessionMaxSeconds)
  const tokens = issueTokens(parts, visitor, { ...checked, session: { ...stored, idleExpiresAt, expiresAt } })
  const values = {
    ...stored,
    sessionIdleSeconds,
    sessionMaxSeconds,
    userId: checked.user.id,
    sessionVersion: checked.user.sessionVersion,
    epoch: checked.epoch,
    factorIds: [...(proved?.factorIds ?? [])],
    factorTime: proved ? stored.authTime.toISOString() : null,
    userAgent: visitor.userAgent,
    ipAddress: visitor.ipAddress,
    cookie,
  }
  const row = await insert(tx, values, event && { ...event, sessionId: id }).catch(error => {
    // recoverAccount has given the user another id meanwhile, and the password that was checked is unset.
    throw missedReference(error) ? invalidCredentials() : error
  })
  return { ...tokens, session: row }
}

async function insert(
  tx: Queries,
  values: Record<string, unknown>,
  event: AuditEntry | undefined,
): Promise<SessionRow> {
  if (event === undefined) return firstOf(await insertion(tx).execute(values))
  const inserted = await insertionWithEvent(tx).execute({ ...values, ...eventParameters(event) })
  const { opened, noted } = firstOf(inserted)
  noteAppended(tx, event, noted)
  return opened
}

const { placeholder } = sql

const sessionInsertion = (tx: Queries) =>
  tx
    .insert(sessions)
    .values({
      id: placeholder('id'),
      userId: placeholder('userId'),
      sessionVersion: placeholder('sessionVersion'),
      epoch: placeholder('epoch'),
      generation: placeholder('generation'),
      idleExpiresAt: sql`now() + make_interval(secs => ${placeholder('sessionIdleSeconds')})`,
      expiresAt: sql`now() + make_interval(secs => ${placeholder('sessionMaxSeconds')})`,
      rotatedAt: placeholder('authTime'),
      authTime: placeholder('authTime'),
      amr: placeholder('amr'),
      factorIds: placeholder('factorIds'),
      factorTime: sql`${placeholder('factorTime')}::timestamptz`,
      userAgent: placeholder('userAgent'),
      ipAddress: placeholder('ipAddress'),
      cookie: placeholder('cookie'),
    })
    .returning(sessionColumns)

const insertion = preparedOnce(tx => sessionInsertion(tx).prepare('annul_open_session'))

const insertionWithEvent = preparedOnce(tx => {
  const opened = tx.$with('opened').as(sessionInsertion(tx))
  const noted = tx.$with('noted').as(eventInsertion(tx))
  return tx
    .with(opened, noted)
    .select()
    .from(opened)
    .crossJoin(noted)
    .prepare('annul_open_session_with_event')
})
