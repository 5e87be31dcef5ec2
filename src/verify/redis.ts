import { type Reason, storedReason } from '../errors.ts'
import { epochKey, freshKey, sessionKey, signingKeyKey, userKey } from '../revocation/mirrorKeys.ts'
import type { RevocableClaims } from '../revocation/view.ts'
import { NoAnswer } from './noAnswer.ts'
import { type RedisClient, type SendCommand, sender } from './redisClient.ts'

/** How long Redis may take, in milliseconds. */
const patienceMs = 1000
/** How old `fresh` may be: the longest lease (ANNUL_LEASE_MS), by a clock that runs 5 % slow. In milliseconds. */
const oldestFreshMs = 63_000
/** How often Redis is asked whether it is the primary, in milliseconds. */
const roleEveryMs = 1000
/** A flood of requests while Redis hangs must not pile up: a client keeps what it has not sent. */
const mostUnanswered = 10_000

/**
 * Reads the mirror in Redis (ANNUL_REDIS_URL), for createVerifier. Each token costs one MGET, which Redis carries out in
 * one step: as long as `fresh` is among the answers, what an answered mutation has revoked is, too. Without it nothing is
 * decided.
 *
 * @param client connected to the primary; its answers of a replica are refused where Redis tells its role. It stays the
 *   app's own: the verifier does not close it
 * @throws TypeError for what is no client
 * @example
 * const revocations = redis(await createClient({ url: process.env.REDIS_URL }).connect())
 */
export function redis(client: RedisClient): RedisRevocations {
  return new RedisRevocations(sender(client, freshKey))
}

/** What was revoked, as the mirror in Redis tells it. Made by `redis(client)`. */
export class RedisRevocations {
  readonly #send: SendCommand
  #databaseMs: number | undefined
  #roleAskedAt = Number.NEGATIVE_INFINITY
  #unanswered = 0

  /** @internal */
  constructor(send: SendCommand) {
    this.#send = send
  }

  /**
   * Why a token is refused whose signature and times were checked before; undefined: it is accepted.
   *
   * @internal
   * @param kid the id of the key that signed the token
   * @throws NoAnswer
   */
  async verdict({ sub, sid, ver, epoch }: RevocableClaims, kid: string): Promise<Reason | undefined> {
    const keys = [epochKey, userKey(sub), sessionKey(sid ?? ''), signingKeyKey(kid)]
    const [lowestEpoch, user, session, key] = await this.#ask(keys)
    if (key !== undefined) return 'KEY_REVOKED'
    if (lowestEpoch !== undefined && !(epoch >= count(lowestEpoch))) return 'EVERYTHING_REVOKED'
    if (user !== undefined) {
      const [lowestVersion = '', reason = null] = user.split(' ')
      if (!(ver >= count(lowestVersion))) return storedReason(reason)
    }
    return session === undefined ? undefined : storedReason(session)
  }

  /** @internal @throws NoAnswer */
  async isKeyRevoked(kid: string): Promise<boolean> {
    const [key] = await this.#ask([signingKeyKey(kid)])
    return key !== undefined
  }

  /**
   * Database time in seconds since 1970: the clock of this process, as far as it fits to what was read last. So a clock
   * that is hours off neither accepts an expired token nor refuses a valid one.
   *
   * @internal
   * @returns undefined before the first answer
   */
  now(): number | undefined {
    const databaseMs = this.#databaseMs
    if (databaseMs === undefined) return undefined
    return Math.min(Math.max(Date.now(), databaseMs), databaseMs + oldestFreshMs) / 1000
  }

  /** @internal Asks for the time alone. @throws NoAnswer */
  async look(): Promise<void> {
    await this.#ask([])
  }

  async #ask(keys: string[]): Promise<(string | undefined)[]> {
    const isRoleDue = performance.now() - this.#roleAskedAt >= roleEveryMs
    if (isRoleDue) this.#roleAskedAt = performance.now()
    try {
      const [values] = await within(patienceMs, [
        this.#command(['MGET', freshKey, ...keys]),
        isRoleDue ? refuseReplica(words => this.#command(words)) : undefined,
      ])
      const [fresh, ...others] = Array.isArray(values) ? values.map(textOf) : []
      if (fresh === undefined)
        throw new NoAnswer(
          `Redis has no key "${freshKey}": no auth node keeps it up to date (ANNUL_REDIS_URL).`,
        )
      if (others.length !== keys.length) throw new NoAnswer('Redis has answered something else.')
      this.#databaseMs = count(fresh)
      return others
    } catch (error) {
      // The next one asks for the role again, because the answer may have been about it.
      if (isRoleDue) this.#roleAskedAt = Number.NEGATIVE_INFINITY
      throw error instanceof NoAnswer ? error : new NoAnswer('Redis can not be asked.', { cause: error })
    }
  }

  /** Counted until Redis has answered, however long ago the answer was given up. */
  async #command(words: string[]): Promise<unknown> {
    if (this.#unanswered >= mostUnanswered) throw new NoAnswer('Redis has too many questions to answer.')
    this.#unanswered++
    try {
      return await this.#send(words)
    } finally {
      this.#unanswered--
    }
  }
}

/**
 * A replica is behind the primary by as much as it likes. Where Redis does not tell its role, nothing is refused.
 *
 * @throws NoAnswer for a replica
 */
async function refuseReplica(send: SendCommand): Promise<void> {
  const answer = await send(['ROLE']).catch(error => {
    // Only an answer of Redis says that ROLE is forbidden or unknown.
    if (/^(NOPERM|ERR)/.test(String(error?.message))) return []
    throw error
  })
  if (Array.isArray(answer) && textOf(answer[0]) === 'slave')
    throw new NoAnswer('This Redis is a replica: only the primary may be asked.')
}

function within<T extends readonly unknown[]>(
  milliseconds: number,
  answers: [...T],
): Promise<{ -readonly [Index in keyof T]: Awaited<T[Index]> }> {
  let timer: NodeJS.Timeout | undefined
  const end = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new NoAnswer('Redis does not answer.')), milliseconds)
  })
  return Promise.race([Promise.all(answers), end]).finally(() => clearTimeout(timer))
}

/** Clients may give text or bytes. */
function textOf(value: unknown): string | undefined {
  return value === null || value === undefined ? undefined : String(value)
}

/** @throws NoAnswer for what Annul has not written: it must not be taken for "not revoked" */
function count(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new NoAnswer('Redis holds what no auth node has written.')
  return Number(text)
}
