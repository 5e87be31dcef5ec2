import { randomUUID } from 'node:crypto'
import { sql } from 'drizzle-orm'
import type { Queries } from '../database/open.ts'
import { missedReference } from '../database/outage.ts'
import { sessionColumns } from '../database/rows.ts'
import { sessions } from '../database/tables.ts'
import { invalidCredentials } from '../errors.ts'
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
  const [session] = await tx
    .insert(sessions)
    .values({
      id: options.id ?? randomUUID(),
      userId: checked.user.id,
      sessionVersion: checked.user.sessionVersion,
      epoch: checked.epoch,
      idleExpiresAt: sql`now() + make_interval(secs => ${sessionIdleSeconds})`,
      expiresAt: sql`now() + make_interval(secs => ${sessionMaxSeconds})`,
      // The iat of the access token is this time: with now() the token would look older than the session, and never be
      // renewed.
      rotatedAt: checkedAt,
      authTime: checkedAt,
      ...(proved && { amr: [...proved.amr], factorIds: [...proved.factorIds], factorTime: checkedAt }),
      userAgent: visitor.userAgent,
      ipAddress: visitor.ipAddress,
      cookie: options.cookie,
    })
    .returning(sessionColumns)
    .catch(error => {
      // recoverAccount has given the user another id meanwhile, and the password that was checked is unset.
      throw missedReference(error) ? invalidCredentials() : error
    })
  if (session === undefined) throw new Error('An inserted session was not returned.')
  return issueTokens(parts, visitor, { ...checked, session })
}
