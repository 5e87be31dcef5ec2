import { clockRate } from './clock.ts'

interface Sighting {
  readonly beat: string
  /** When the answer came that first showed the row with this beat, in milliseconds of this node's monotonic clock. */
  readonly since: number
}

/**
 * Finds the rows of `nodes` whose beat stood still for the longest lease. Such a node is not fresh, so it decides
 * nothing from memory. A delete with a condition on the beat keeps the node from becoming fresh meanwhile (follow.ts).
 */
export class Sightings {
  #seen = new Map<string, Sighting>()

  /**
   * Takes in what one poll of `nodes` has shown.
   *
   * @param rows all rows of `nodes`
   * @param now the monotonic clock when the poll was answered: a beat may have been sent after the poll was sent, but
   *   not after its answer
   * @param longestLeaseMs of all nodes
   * @returns the silent rows
   */
  see<Row extends { id: string; beat: string }>(
    rows: readonly Row[],
    now: number,
    longestLeaseMs: number,
  ): Row[] {
    const before = this.#seen
    this.#seen = new Map()
    return rows.filter(row => {
      const known = before.get(row.id)
      const sighting = known?.beat === row.beat ? known : { beat: row.beat, since: now }
      this.#seen.set(row.id, sighting)
      return now - sighting.since >= longestLeaseMs * clockRate
    })
  }
}
