import { createHash } from 'node:crypto'
import { isIP } from 'node:net'

/*
 * An access token can be bound to where it was issued (ANNUL_BIND): a copy is useless elsewhere. The token carries a
 * hash, as `cnf` (RFC 7800). Whoever lost what it is bound to refreshes, and is bound anew: an honest user who changes
 * networks is not signed out.
 */

/** To the address: an IPv4 one as a whole, of an IPv6 one the /64 that a household or a phone is given. */
export function bindAddress(address: string): string {
  return hash(`ip ${network(address)}`)
}

/** To the value of a cookie that no script can read (OWASP: token sidejacking). */
export function bindFingerprint(fingerprint: string): string {
  return hash(`cookie ${fingerprint}`)
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}

/** `2001:db8::1` -> `2001:db8:0:0`, `::ffff:192.0.2.1` -> `192.0.2.1`. */
function network(address: string): string {
  const bare = address.replace(/%.*$/, '').toLowerCase()
  const mapped = bare.match(/^::ffff:(\d+\.\d+\.\d+\.\d+)$/)?.[1]
  if (mapped) return mapped
  if (isIP(bare) !== 6) return bare
  const [head = '', tail] = bare.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail ? tail.split(':') : []
  const zeros = tail === undefined ? [] : Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0')
  return [...left, ...zeros, ...right]
    .slice(0, 4)
    .map(part => Number.parseInt(part, 16).toString(16))
    .join(':')
}
