import { verify } from '@node-rs/argon2'

/**
 * The hash that a login checks, checked by the library alone, one after the other.
 *
 * @param stored gives the hash of `password`; asked before the time begins
 */
export function hashesAlone(stored, password) {
  return async ({ ms }) => {
    const hash = await stored()
    const start = performance.now()
    let count = 0
    for (; performance.now() - start < ms; count++)
      if (!(await verify(hash, password))) throw new Error('Refused.')
    return { count, perSecond: (count / (performance.now() - start)) * 1000 }
  }
}
