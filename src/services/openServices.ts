import { inBatches } from '../database/inBatches.ts'
import { readTwice } from '../database/readTwice.ts'
import type { Parts } from '../parts.ts'
import { systemClock } from '../revocation/clock.ts'
import { hashServiceSecret, isServiceSecret } from '../tokens/serviceSecret.ts'
import { findLiveSecrets, findServices, type Service } from './findService.ts'

/** For how long a look-up is remembered, in milliseconds. An ended secret may be accepted for as long. */
export const rememberedMs = 1000
/** How many look-ups are remembered, of secrets that live and of others. A flood of one kind leaves the other alone. */
const mostRemembered = 1000

/** The services that may ask this node something. */
export interface Services {
  /**
   * The service of a secret; undefined for every other text, whatever is wrong with it. Remembered for a second at most.
   *
   * @throws the driver's error when the database does not answer: neither a yes nor a no
   */
  find(secret: string): Promise<Service | undefined>
  /**
   * Which of these secrets live by the rows of this moment, in one statement: for what stays open longer than a request.
   *
   * @param secretIds of services that `find` has given
   * @throws as `find`
   */
  live(secretIds: readonly string[]): Promise<ReadonlySet<string>>
}

interface Remembered {
  readonly service: Service | undefined
  /** Taken before the statement was sent. */
  readonly at: Moment
}

interface Moment {
  readonly monotonic: number
  readonly wall: number
}

/**
 * Looks services up by their secrets. One statement runs at a time, for all that wait: a flood of invented secrets makes
 * batches, and no queue before the decisions about tokens.
 */
export function openServices({ decisions }: Pick<Parts, 'decisions'>): Services {
  const live = new Map<string, Remembered>()
  const unknown = new Map<string, Remembered>()

  const recall = (hash: string): Remembered | undefined => {
    const found = live.get(hash) ?? unknown.get(hash)
    return found !== undefined && ageOf(found.at) < rememberedMs ? found : undefined
  }

  const remember = (hash: string, remembered: Remembered) => {
    live.delete(hash)
    unknown.delete(hash)
    const memory = remembered.service === undefined ? unknown : live
    memory.set(hash, remembered)
    // The oldest first: it is the first that time makes useless.
    for (const oldest of memory.keys()) {
      if (memory.size <= mostRemembered) break
      memory.delete(oldest)
    }
  }

  const ask = inBatches(async (hashes: readonly Buffer[]) => {
    const at = momentNow()
    const found = await readTwice(() => findServices(decisions, hashes))
    return hashes.map(hash => {
      const name = hash.toString('hex')
      const service = found.get(name)
      remember(name, { service, at })
      return service
    })
  })

  return {
    async find(secret) {
      if (!isServiceSecret(secret)) return undefined
      const hash = hashServiceSecret(secret)
      const recalled = recall(hash.toString('hex'))
      return recalled === undefined ? ask(hash) : recalled.service
    },
    live: async secretIds =>
      secretIds.length === 0 ? new Set() : readTwice(() => findLiveSecrets(decisions, secretIds)),
  }
}

function momentNow(): Moment {
  return { monotonic: systemClock.monotonic(), wall: systemClock.wall() }
}

/** By the clock that shows more: the monotonic one may stand still while the machine is suspended. */
function ageOf(at: Moment): number {
  const wall = systemClock.wall() - at.wall
  return wall < 0 ? rememberedMs : Math.max(systemClock.monotonic() - at.monotonic, wall)
}
