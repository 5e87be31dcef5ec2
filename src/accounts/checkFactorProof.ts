import { eq, sql } from 'drizzle-orm'
import type { Queries } from '../database/open.ts'
import { sessions } from '../database/tables.ts'
import { reauthenticationRequired } from '../errors.ts'
import { hasSecondFactor } from '../factors/amr.ts'
import { readCredentials } from '../sessions/readCredentials.ts'
import type { Viewer } from '../viewer.ts'

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
export async function checkFactorProof(queries: Queries, viewer: Viewer): Promise<boolean> {
  const found = await readCredentials(queries, { id: viewer.userId })
  if (!found?.hasFactors) return false
  await checkFreshFactor(queries, viewer)
  return true
}

/**
 * The viewer must have given a proof by a factor in the last five minutes, and by the access token at hand: its time of
 * proof is that of the session's last factor. So nobody else with a token of the session inherits the proof.
 *
 * @throws AuthError REAUTHENTICATION_REQUIRED with `mfa`
 */
export async function checkFreshFactor(queries: Queries, viewer: Viewer): Promise<void> {
  const { sessionId, claims } = viewer
  const isFresh = sql<boolean>`coalesce(${sessions.factorTime} > now() - make_interval(secs => ${maxAge})
    and floor(extract(epoch from ${sessions.factorTime})) = ${claims.auth_time}::float8, false)`
  const [session] =
    sessionId === null
      ? []
      : await queries.select({ isFresh }).from(sessions).where(eq(sessions.id, sessionId))
  if (!hasSecondFactor(claims.amr) || !session?.isFresh) throw reauthenticationRequired({ maxAge, mfa: true })
}
