import { randomUUID } from 'node:crypto'
import { sql } from 'drizzle-orm'
import { type AuditEntry, eventInsertion, eventParameters, noteAppended } from '../audit/appendAudit.ts'
import { firstOf, type Queries } from '../database/open.ts'
import { missedReference } from '../database/outage.ts'
import { preparedOnce } from '../database/preparedOnce.ts'
import { sessionColumns } from '../database/rows.ts'
import { sessions } from '../database/tables.ts'
import { invalidCredentials } from '../errors.ts'
import { methods } from '../factors/amr.ts'
import type { Parts } from '../parts.ts'
import type { DeviceVisitor } from '../viewer.ts'
import { issueTokens, type TokenSource, type Tokens } from './issueTokens.ts'

/** How a session begins. */
export interface Opening {
  /** Whether its refresh token lives in a cookie. */
  readonly cookie: boolean
  /** How its user has proved who they are. Default: by the password alone. */
  readonly proved?: { readonly amr: readonly string[]; readonly factorIds: readonly string[] } | undefined
}

/**
 * The common ending of login, register and a reset of the password: a new session, its event, and its first tokens, by
 * one statement. The versions are those of the row whose password was checked; if they were raised since, the session is
 * refused from the start.
 *
 * @param options.id the session's; default: a new one
 * @param options.event appended by the same statement, with the id of the new session
 */
export async function openSession(
  parts: Parts,
  tx: Queries,
  visitor: DeviceVisitor,
  checked: Omit<TokenSource, 'session'>,
  options: Opening & { id?: string; event: Omit<AuditEntry, 'sessionId'> },
): Promise<Tokens> {
  const { id = randomUUID(), proved, cookie } = options
  const event = { ...options.event, sessionId: id }
  const { sessionIdleSeconds, sessionMaxSeconds } = parts.config
  // The iat of the access token is this time: with now() the token would look older than the session, and never be
  // renewed.
  const authTime = new Date(checked.readAt * 1000)
  const session = {
    id,
    userId: checked.user.id,
    sessionVersion: checked.user.sessionVersion,
    epoch: checked.epoch,
    generation: 1,
    rotatedAt: authTime,
    authTime,
    amr: [...(proved?.amr ?? methods.password)],
    factorIds: [...(proved?.factorIds ?? [])],
    factorTime: proved ? authTime : null,
    userAgent: visitor.userAgent,
    cookie,
    endedAt: null,
    endReason: null,
    renewedAt: null,
  }
  // Made first, so that what can't be issued leaves no session, also where the statement is a transaction by itself. The
  // row's ends are counted from when it is written: the tokens never outlive it.
  const idleExpiresAt = new Date(authTime.getTime() + 1000 * sessionIdleSeconds)
  const expiresAt = new Date(authTime.getTime() + 1000 * sessionMaxSeconds)
  const tokens = issueTokens(parts, visitor, {
    ...checked,
    session: { ...session, idleExpiresAt, expiresAt },
  })
  const values = {
    ...session,
    factorTime: session.factorTime?.toISOString() ?? null,
    sessionIdleSeconds,
    sessionMaxSeconds,
    ipAddress: visitor.ipAddress,
    ...eventParameters(event),
  }
  const rows = await insertion(tx)
    .execute(values)
    .catch(error => {
      // recoverAccount has given the user another id meanwhile, and the password that was checked is unset.
      throw missedReference(error) ? invalidCredentials() : error
    })
  const { opened, noted } = firstOf(rows)
  noteAppended(tx, event, noted)
  return { ...tokens, session: { ...session, ...opened } }
}

const { placeholder } = sql

/** The columns that the database fills, or writes in its own form. */
const { createdAt, lastUsedAt, idleExpiresAt, expiresAt, ipAddress } = sessionColumns
const madeByDatabase = { createdAt, lastUsedAt, idleExpiresAt, expiresAt, ipAddress }

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
    .returning(madeByDatabase)

const insertion = preparedOnce(tx => {
  const opened = tx.$with('opened').as(sessionInsertion(tx))
  const noted = tx.$with('noted').as(eventInsertion(tx))
  return tx.with(opened, noted).select().from(opened).crossJoin(noted).prepare('annul_open_session')
})
