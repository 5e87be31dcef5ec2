import { availableParallelism } from 'node:os'
import { setTimeout } from 'node:timers/promises'
import { type Algorithm, hash, hashRaw, verify } from '@node-rs/argon2'
import { isForeign, openForeignHashes } from './foreign/foreignHashes.ts'
import { openHashQueue } from './hashQueue.ts'
import { normalizePassword } from './normalize.ts'

/** OWASP's argon2id parameters: 19 MiB, two passes, one lane. */
const parameters = { algorithm: 2 as Algorithm.Argon2id, memoryCost: 19_456, timeCost: 2, parallelism: 1 }
const current = '$argon2id$v=19$m=19456,t=2,p=1$'
/** The longest step of the times of refusals (evenOut): the most expensive hash that may be imported, and a margin. */
const longestWaitMs = 2000

export interface Passwords {
  /** A hash in PHC form. @throws AuthError TOO_MANY_REQUESTS when the queue is full */
  hash(password: string): Promise<string>
  /**
   * Whether the password is the hash's. Without a hash (unknown user) the same work is done and the answer is no.
   *
   * @throws AuthError TOO_MANY_REQUESTS when the queue is full
   */
  verify(hash: string | null | undefined, password: string): Promise<boolean>
  /**
   * 32 bytes of a secret that is random, and shorter than a key: the same for the same text and salt.
   *
   * @throws AuthError TOO_MANY_REQUESTS when the queue is full
   */
  derive(text: string, salt: Uint8Array): Promise<Buffer>
  /** Whether a new password is known from breaches; false too where nobody can be asked (breaches.ts). */
  isBreached(password: string): Promise<boolean>
  /** Whether the hash was made with other parameters than today's, or by another system. */
  isOutdated(hash: string): boolean
  /**
   * Waits before a refusal, so that its time does not tell what kind of hash was looked at, or none. Without a hash of
   * another system there is nothing to wait for: all others take the same time.
   *
   * @param startedAt when the work on the answer began, by `performance.now()`
   */
  evenOut(startedAt: number): Promise<void>
  /** Hashes that wait for their turn. */
  readonly waiting: number
}

/**
 * Hashes run off the event loop, at most one a core at a time: more at a time would each be slower, and take 19 MiB
 * each (imported ones up to 256). The queue behind them is bounded (hashQueue.ts), so that a flood of logins is refused
 * at once instead of piling up.
 *
 * @param options.queue how many of Annul's own hashes may wait; default 100 for each core, about a second of work. Of
 *   imported ones, as many wait as take half of that time
 * @param options.isBreached default: no password is looked up
 * @param options.onHash called for each hash that begins
 * @param options.secret ANNUL_SECRET, which imported hashes of Firebase need; without it they are an error
 * @param options.secretPrevious ANNUL_SECRET_PREVIOUS
 */
export async function openPasswords(
  options: {
    queue?: number
    cores?: number
    secret?: Uint8Array
    secretPrevious?: Uint8Array | undefined
    isBreached?: Passwords['isBreached']
    onHash?: () => void
  } = {},
): Promise<Passwords> {
  const cores = options.cores ?? availableParallelism()
  const queue = openHashQueue({ cores, bound: options.queue ?? 100 * cores, onWork: options.onHash })
  const foreign = openForeignHashes(options.secret, options.secretPrevious)
  const slowestForeign = slowestLately()
  const slowestOwn = slowestLately()

  const dummy = await hash('', parameters)
  return {
    hash: password => queue.run('own', 1, () => hash(normalizePassword(password), parameters)),
    async verify(stored, password) {
      if (stored != null && isForeign(stored)) {
        const read = foreign.read(stored)
        return queue.run('imported', read.cost, () => slowestForeign.time(() => read.verify(password)))
      }
      const right = await queue.run('own', 1, () =>
        slowestOwn.time(() => verify(stored ?? dummy, normalizePassword(password))),
      )
      return right && stored != null
    },
    derive: (text, salt) => queue.run('own', 1, () => hashRaw(text, { ...parameters, salt, outputLen: 32 })),
    isBreached: options.isBreached ?? (async () => false),
    isOutdated: stored => !stored.startsWith(current),
    async evenOut(startedAt) {
      if (slowestForeign.ms === 0) return
      // To the next multiple: an answer that had to wait for its turn does not show its own length either.
      const step = 1.25 * Math.max(slowestForeign.ms, slowestOwn.ms)
      await setTimeout(step - ((performance.now() - startedAt) % step))
    },
    get waiting() {
      return queue.waiting
    },
  }
}

/** How long the slowest work took lately, in milliseconds: it falls slowly, so that one moment of a busy machine is forgotten. */
function slowestLately() {
  let ms = 0
  return {
    get ms() {
      return ms
    },
    async time<T>(work: () => Promise<T>): Promise<T> {
      const startedAt = performance.now()
      const result = await work()
      ms = Math.min(longestWaitMs, Math.max(ms * 0.99, performance.now() - startedAt))
      return result
    },
  }
}
