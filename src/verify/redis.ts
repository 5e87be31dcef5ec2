import { type Reason, storedReason, unavailable } from '../errors.ts'
import { epochKey, freshKey, sessionKey, signingKeyKey, userKey } from '../revocation/mirrorKeys.ts'
import type { RevocableClaims } from '../revocation/view.ts'
import { type RedisClient, sender } from './redisClient.ts'

/** What was revoked, as far as it has to be asked for. */
export interface Revocations {
  /**
   * Why a token is refused whose signature and times were checked before; undefined: it is accepted.
   *
   * @param kid the id of the key that signed the token
   * @throws AuthError UNAVAILABLE, where nobody knows at the moment
   */
  verdict(claims: RevocableClaims, kid: string): Promise<Reason | undefined>
  /**
   * Database time in seconds since 1970: the clock of this process, as far as it fits to what was read last. So a clock
   * that is hours off neither accepts an expired token nor refuses a valid one.
   *
   * @returns undefined before the first answer
   */
  now(): number | undefined
  /** Asks for the time alone. @throws AuthError UNAVAILABLE */
  look(): Promise<void>
}

/** How long Redis may take, in milliseconds. */
const patienceMs = 1000
/** How old `fresh` may be: the longest lease (ANNUL_LEASE_MS), by a clock that runs 5 % slow. In milliseconds. */
const oldestFreshMs = 63_000
/** How often Redis is asked whether it is the primary, in milliseconds. */
const roleEveryMs = 1000

/**
 * Reads the mirror in Redis (ANNUL_REDIS_URL). Each token costs one MGET, which Redis carries out in one step: as long as
 * `fresh` is among the answers, what an answered mutation has revoked is, too. Without it nothing is decided.
 *
 * @param client connected to the primary; its answers of a replica are refused where Redis tells its role
 * @throws TypeError for what is no client
 * @example
 * const revocations = redis(await createClient({ url: process.env.REDIS_URL }).connect())
 */
export function redis(client: RedisClient): Revocations {
  const send = sender(client, freshKey)
  let databaseMs: number | undefined
  let roleAskedAt = Number.NEGATIVE_INFINITY

  const ask = async (keys: string[]): Promise<(string | undefined)[]> => {
    const isRoleDue = performance.now() - roleAskedAt >= roleEveryMs
    if (isRoleDue) roleAskedAt = performance.now()
    try {
      const [values] = await within(patienceMs, [
        send(['MGET', freshKey, ...keys]),
        isRoleDue ? refuseReplica(send) : undefined,
      ])
      const [fresh, ...others] = Array.isArray(values) ? values.map(textOf) : []
      if (fresh === undefined || others.length !== keys.length) throw new Error('Nothing may be believed.')
      databaseMs = count(fresh)
      return others
    } catch {
      // The next one asks for the role again, because the answer may have been about it.
      if (isRoleDue) roleAskedAt = Number.NEGATIVE_INFINITY
      throw unavailable()
    }
  }

  return {
    async verdict({ sub, sid, ver, epoch }, kid) {
      const keys = [epochKey, userKey(sub), sessionKey(sid ?? ''), signingKeyKey(kid)]
      const [lowestEpoch, user, session, key] = await ask(keys)
      try {
        if (key !== undefined) return 'KEY_REVOKED'
        if (lowestEpoch !== undefined && !(epoch >= count(lowestEpoch))) return 'EVERYTHING_REVOKED'
        if (user !== undefined) {
          const [lowestVersion = '', reason = null] = user.split(' ')
          if (!(ver >= count(lowestVersion))) return storedReason(reason)
        }
        return session === undefined ? undefined : storedReason(session)
      } catch {
        throw unavailable()
      }
    },
    now() {
      if (databaseMs === undefined) return undefined
      return Math.min(Math.max(Date.now(), databaseMs), databaseMs + oldestFreshMs) / 1000
    },
    async look() {
      await ask([])
    },
  }
}

/**
 * A replica is behind the primary by as much as it likes. Where Redis does not tell its role, nothing is refused.
 *
 * @throws Error for a replica
 */
async function refuseReplica(send: (words: string[]) => Promise<unknown>): Promise<void> {
  const answer = await send(['ROLE']).catch(error => {
    // Only an answer of Redis says that ROLE is forbidden or unknown.
    if (/^(NOPERM|ERR)/.test(String(error?.message))) return []
    throw error
  })
  if (Array.isArray(answer) && textOf(answer[0]) === 'slave') throw new Error('This is a replica.')
}

function within<T extends readonly unknown[]>(
  milliseconds: number,
  answers: [...T],
): Promise<{ -readonly [Index in keyof T]: Awaited<T[Index]> }> {
  let timer: NodeJS.Timeout | undefined
  const end = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('Redis does not answer.')), milliseconds)
  })
  return Promise.race([Promise.all(answers), end]).finally(() => clearTimeout(timer))
}

/** Clients may give text or bytes. */
function textOf(value: unknown): string | undefined {
  return value === null || value === undefined ? undefined : String(value)
}

/** @throws Error for what Annul has not written: it must not be taken for "not revoked" */
function count(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new Error('This is no number.')
  return Number(text)
}
