/**
 * An array as PostgreSQL reads it, for a parameter such as `$1::text::uuid[]`: the client knows no types of arrays.
 *
 * @example
 * arrayOf(['a', 'b "c"', null]) // {"a","b \"c\"",null}
 */
export function arrayOf(values: readonly (string | number | null)[]): string {
  return `{${values.map(value => (typeof value === 'string' ? quoted(value) : String(value))).join()}}`
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`
}
