import { eq, sql } from 'drizzle-orm'
import type { Queries } from '../database/open.ts'
import { sessions, users } from '../database/tables.ts'
import { reauthenticationRequired } from '../errors.ts'
import { hasSecondFactor } from '../factors/amr.ts'
import { readCredentials } from '../sessions/readCredentials.ts'
import type { SessionViewer } from '../viewer.ts'

/** As the contract's `maxAge` of the fields that change factors. */
const maxAge = 300

/**
 * Whoever changes the factors of an account that has some must have given a proof by one in the last five minutes. The
 * guard of the field does not tell that: a session that a factor has opened long ago, and a password just now, meet
 * `mfa` and `maxAge` together.
 *
 * To be called under the user's lock, so that an enrolment which began without factors can't end beside the first one.
 *
 * @returns whether the account has factors
 * @throws AuthError REAUTHENTICATION_REQUIRED with `mfa`
 */
export async function checkFactorProof(queries: Queries, viewer: SessionViewer): Promise<boolean> {
  const { userId, sessionId, claims } = viewer
  const found = await readCredentials(queries, eq(users.id, userId))
  if (!found?.hasFactors) return false
  const isFresh = sql<boolean>`coalesce(${sessions.factorTime} > now() - make_interval(secs => ${maxAge}), false)`
  const [session] = await queries.select({ isFresh }).from(sessions).where(eq(sessions.id, sessionId))
  if (hasSecondFactor(claims.amr) && session?.isFresh) return true
  throw reauthenticationRequired({ maxAge, mfa: true })
}
