import { randomUUID } from 'node:crypto'
import { sql } from 'drizzle-orm'
import type { Queries } from '../database/open.ts'
import { missedReference } from '../database/outage.ts'
import { preparedOnce } from '../database/preparedOnce.ts'
import { sessionColumns } from '../database/rows.ts'
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
 * The common ending of login and register: a new session, and its first tokens. The versions are those of the row
 * whose password was checked; if they were raised since, the session is refused from the start.
 *
 * @param options.id the session's; default: a new one
 * @param options.proved default: by the password alone
 */
export async function openSession(
  parts: Parts,
  tx: Queries,
  visitor: DeviceVisitor,
  checked: Omit<TokenSource, 'session'>,
  options: { cookie: boolean; id?: string; proved?: Proved },
): Promise<Tokens> {
  const { proved } = options
  const { sessionIdleSeconds, sessionMaxSeconds } = parts.config
  const checkedAt = new Date(checked.readAt * 1000)
  const [session] = await insertion(tx)
    .execute({
      id: options.id ?? randomUUID(),
      userId: checked.user.id,
      sessionVersion: checked.user.sessionVersion,
      epoch: checked.epoch,
      sessionIdleSeconds,
      sessionMaxSeconds,
      checkedAt,
      amr: [...(proved?.amr ?? methods.password)],
      factorIds: [...(proved?.factorIds ?? [])],
      factorTime: proved ? checkedAt.toISOString() : null,
      userAgent: visitor.userAgent,
      ipAddress: visitor.ipAddress,
      cookie: options.cookie,
    })
    .catch(error => {
      // recoverAccount has given the user another id meanwhile, and the password that was checked is unset.
      throw missedReference(error) ? invalidCredentials() : error
    })
  if (session === undefined) throw new Error('An inserted session was not returned.')
  return issueTokens(parts, visitor, { ...checked, session })
}

const { placeholder } = sql

const insertion = preparedOnce(tx =>
  tx
    .insert(sessions)
    .values({
      id: placeholder('id'),
      userId: placeholder('userId'),
      sessionVersion: placeholder('sessionVersion'),
      epoch: placeholder('epoch'),
      idleExpiresAt: sql`now() + make_interval(secs => ${placeholder('sessionIdleSeconds')})`,
      expiresAt: sql`now() + make_interval(secs => ${placeholder('sessionMaxSeconds')})`,
      // The iat of the access token is this time: with now() the token would look older than the session, and never be
      // renewed.
      rotatedAt: placeholder('checkedAt'),
      authTime: placeholder('checkedAt'),
      amr: placeholder('amr'),
      factorIds: placeholder('factorIds'),
      factorTime: sql`${placeholder('factorTime')}::timestamptz`,
      userAgent: placeholder('userAgent'),
      ipAddress: placeholder('ipAddress'),
      cookie: placeholder('cookie'),
    })
    .returning(sessionColumns)
    .prepare('annul_open_session'),
)
