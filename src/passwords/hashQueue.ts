import { tooManyRequests } from '../errors.ts'

/** Annul's own hashes, which all cost the same, and those of other systems, which cost up to 80 times as much. */
export type LaneName = 'own' | 'imported'

/** Hashes take turns: one a core at a time, and a bounded number of them waits. */
export interface HashQueue {
  /**
   * Runs the work in its turn. Within a lane no work is overtaken.
   *
   * @param cost the work in units of one of Annul's own hashes
   * @throws AuthError TOO_MANY_REQUESTS, before anything is waited for, when the lane is full
   */
  run<T>(lane: LaneName, cost: number, work: () => Promise<T>): Promise<T>
  /** Work that waits for its turn, in both lanes. */
  readonly waiting: number
}

interface Waiter {
  readonly cost: number
  start(): void
}

type Lane = ReturnType<typeof openLane>

/** The most results of Annul's own hashes that are given together. */
const largestGroup = 16

/**
 * The bound is the sum of the costs, so that nobody waits longer because the work ahead is expensive. Imported hashes
 * have a lane of their own, with half of the bound and half of the cores. A flood of sign-ins of imported users
 * therefore delays only imported users. Where one core serves both lanes, the lanes get the same amount of work: then a
 * flood delays one of Annul's own hashes by the one imported hash that is running, and halves the speed after it.
 *
 * While the lane of imported hashes is full, only imported users are refused. This tells whoever keeps the lane full
 * that an account has an imported hash. The other choice is to refuse everybody, which is what the flood is for.
 *
 * A hash leaves nothing of a program in the processor's caches, so what follows each hash of a login runs four times as long
 * as with filled caches. Where many hashes wait, the results are therefore given in groups, half as large as the line: what follows
 * finds the caches filled by the one before, and everybody's turn comes sooner.
 *
 * @param options.bound the most cost that waits in the lane of Annul's own hashes
 * @param options.onWork called for each work that begins
 */
export function openHashQueue({
  cores,
  bound,
  onWork,
}: {
  cores: number
  bound: number
  onWork?: (() => void) | undefined
}): HashQueue {
  const lanes = {
    own: openLane(bound, cores),
    imported: openLane(bound / 2, Math.max(1, Math.floor(cores / 2))),
  }
  const all = [lanes.own, lanes.imported]
  let running = 0

  /** The lane whose turn it is: of two lanes that could go on, the one that was given less work. */
  const choose = () => {
    if (running >= cores) return undefined
    const [one, other] = all.filter(lane => lane.waiters.length > 0 && lane.running < lane.places)
    return other && one && other.given < one.given ? other : one
  }
  const serve = () => {
    // Work that was given while the other lane had nothing to do is no reason to come later.
    if (all.some(lane => lane.waiters.length === 0)) for (const lane of all) lane.given = 0
    for (let lane = choose(); lane !== undefined; lane = choose()) {
      const waiter = lane.waiters.shift()
      if (waiter === undefined) return
      lane.waitingCost -= waiter.cost
      lane.given += waiter.cost
      lane.running++
      running++
      waiter.start()
    }
  }

  /** Holds a result until its group is full, or until no hash of the lane runs any more. */
  const inGroup = async ({ waiters, running, held }: Lane) => {
    const group = Math.min(waiters.length / 2, largestGroup)
    if (running > 0 && held.length + 1 < group) await new Promise<void>(give => held.push(give))
    else for (const give of held.splice(0)) give()
  }

  return {
    async run(name, cost, work) {
      const lane = lanes[name]
      const hasPlace = running < cores && lane.running < lane.places
      // A single work that is above the bound by itself may wait where nothing else does.
      const isFull = lane.waiters.length > 0 && lane.waitingCost + cost > lane.bound
      if (!hasPlace && isFull) throw tooManyRequests(1)
      await new Promise<void>(start => {
        lane.waiters.push({ cost, start })
        lane.waitingCost += cost
        serve()
      })
      try {
        onWork?.()
        return await work()
      } finally {
        lane.running--
        running--
        serve()
        if (lane === lanes.own) await inGroup(lane)
      }
    },
    get waiting() {
      return lanes.own.waiters.length + lanes.imported.waiters.length
    },
  }
}

function openLane(bound: number, places: number) {
  const held: (() => void)[] = []
  return { bound, places, waiters: [] as Waiter[], waitingCost: 0, running: 0, given: 0, held }
}
