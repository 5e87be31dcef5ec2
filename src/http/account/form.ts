/** The most bytes of a form: a token and two passwords, percent-encoded. */
export const formLimitBytes = 8000

export const formType = 'application/x-www-form-urlencoded'

/**
 * The fields of a form.
 *
 * @param allowed the names that a form of the page has
 * @returns undefined for a body that no form of the page sends: with an unknown field, a field twice, or text that is no
 *   UTF-8, which would become another password without a sign
 */
export function readForm<Name extends string>(
  body: unknown,
  allowed: readonly Name[],
): Partial<Record<Name, string>> | undefined {
  const fields: Partial<Record<Name, string>> = {}
  for (const [name, value] of new URLSearchParams(typeof body === 'string' ? body : '')) {
    const known = allowed.find(each => each === name)
    if (known === undefined || fields[known] !== undefined || value.includes('\uFFFD')) return undefined
    fields[known] = value
  }
  return fields
}
