/** A source of work in small pieces. */
export interface Worker {
  /** The workers of one group share its turns. */
  readonly group: string
  /** Does one piece of work. A worker that has more asks for another turn. */
  takeTurn(): void
}

/**
 * One piece of work in each turn of the event loop, so that timers, the database and HTTP are served between any two.
 * Groups take turns, and within a group its workers: a group with a hundred busy workers gets no more than a group
 * with one.
 */
export class Turns {
  /** In the order of their turns. */
  readonly #groups = new Map<string, Set<Worker>>()
  readonly #isHalted: (group: string) => boolean
  #scheduled = false

  /** @param isHalted groups that get no turn for now; `schedule` has to be called when one may again */
  constructor(isHalted: (group: string) => boolean) {
    this.#isHalted = isHalted
  }

  /** Asks for one turn; asking twice before it comes is asking once. */
  ask(worker: Worker): void {
    const group = this.#groups.get(worker.group) ?? new Set()
    this.#groups.set(worker.group, group.add(worker))
    this.schedule()
  }

  /** Waits for one turn. */
  wait(group: string): Promise<void> {
    return new Promise(takeTurn => this.ask({ group, takeTurn }))
  }

  /** Takes back a worker's request for a turn. */
  leave(worker: Worker): void {
    const group = this.#groups.get(worker.group)
    group?.delete(worker)
    if (group?.size === 0) this.#groups.delete(worker.group)
  }

  schedule(): void {
    if (this.#scheduled || this.#groups.size === 0) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      if (this.#next()) this.schedule()
    })
  }

  /** @returns whether a worker got a turn */
  #next(): boolean {
    for (const [name, group] of this.#groups) {
      if (this.#isHalted(name)) continue
      // The group goes to the end of the queue, if other workers of it wait.
      this.#groups.delete(name)
      for (const worker of group) {
        group.delete(worker)
        if (group.size > 0) this.#groups.set(name, group)
        worker.takeTurn()
        return true
      }
    }
    return false
  }
}
