/**
 * Reads rows by their ids, each once. What is asked for at the same time is read by one statement: a list of users whose
 * fields each read their user, or the references of a gateway.
 */
export class RowsById<Row extends { readonly id: string }> {
  readonly #find: (ids: readonly string[]) => Promise<readonly Row[]>
  readonly #rows = new Map<string, Promise<Row | null>>()
  #next: { readonly ids: string[]; readonly found: Promise<ReadonlyMap<string, Row>> } | undefined

  /** @param find reads the rows of these ids, in any order */
  constructor(find: (ids: readonly string[]) => Promise<readonly Row[]>) {
    this.#find = find
  }

  /** @param id as it is stored. @returns null where there is no row */
  read(id: string): Promise<Row | null> {
    const known = this.#rows.get(id)
    if (known) return known
    this.#next ??= this.#begin()
    this.#next.ids.push(id)
    const row = this.#next.found.then(found => found.get(id) ?? null)
    this.#rows.set(id, row)
    return row
  }

  #begin() {
    const ids: string[] = []
    return { ids, found: this.#readLater(ids) }
  }

  /** After all promises that are settled by now have gone on: what hangs on them may ask for further rows. */
  async #readLater(ids: readonly string[]): Promise<ReadonlyMap<string, Row>> {
    await Promise.resolve()
    await new Promise<void>(resolve => process.nextTick(resolve))
    this.#next = undefined
    return new Map((await this.#find(ids)).map(row => [row.id, row]))
  }
}
