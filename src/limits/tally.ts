/** Counts what is open at the moment, in all and by its owner. An owner who has nothing open takes no memory. */
export class Tally {
  readonly #ofOwners = new Map<string, number>()
  #all = 0

  get all(): number {
    return this.#all
  }

  of(owner: string): number {
    return this.#ofOwners.get(owner) ?? 0
  }

  add(owner: string): void {
    this.#all++
    this.#ofOwners.set(owner, this.of(owner) + 1)
  }

  remove(owner: string): void {
    this.#all--
    const left = this.of(owner) - 1
    if (left > 0) this.#ofOwners.set(owner, left)
    else this.#ofOwners.delete(owner)
  }
}
