/**
 * Refuses an option that does not exist: a mistyped one would have no effect, without any sign.
 *
 * @param of whose options these are, for the message
 * @param hint stands at the end of the message
 * @throws TypeError with the nearest name
 */
export function refuseUnknownOptions(of: string, options: object, known: readonly string[], hint = ''): void {
  for (const name of Object.keys(options))
    if (!known.includes(name))
      throw new TypeError(
        `${of} has no option "${name}". The nearest name is "${nearest(name, known)}".${hint}`,
      )
}

/** The name that a mistyped one was meant to be. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const [best] = known
    .map(candidate => ({ candidate, edits: editDistance(name, candidate) }))
    .sort((one, other) => one.edits - other.edits)
  return best?.candidate
}

/** Levenshtein: how many letters must be added, removed or replaced to make one text of the other. */
function editDistance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, at) => at)
  for (const [above, letter] of [...one].entries()) {
    const next = [above + 1]
    for (let at = 1; at <= other.length; at++) {
      const replaced = (row[at - 1] ?? 0) + (letter === other[at - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[at] ?? 0) + 1, (next[at - 1] ?? 0) + 1))
    }
    row = next
  }
  return row.at(-1) ?? 0
}
