import { createHash } from 'node:crypto'
import { isIP } from 'node:net'

/*
 * An access token can be bound to the client's address or to a cookie (ANNUL_BIND): a copy is useless elsewhere. The
 * token carries a hash, as `cnf` (RFC 7800). A client with another address or cookie refreshes, and its new token is
 * bound anew: an honest user who changes networks is not signed out.
 */

/** A binding to the address: a whole IPv4 address, or the /64 of an IPv6 address, which one household or phone has. */
export function bindAddress(address: string): string {
  return hash(`ip ${networkOf(address)}`)
}

/** A binding to the value of a cookie that no script can read (OWASP: token sidejacking). */
export function bindFingerprint(fingerprint: string): string {
  return hash(`cookie ${fingerprint}`)
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}

/** `2001:db8::1` -> `2001:db8:0:0`, `::ffff:192.0.2.1` and `::ffff:c000:201` -> `192.0.2.1`. */
export function networkOf(address: string): string {
  const bare = address.replace(/%.*$/, '')
  if (isIP(bare) !== 6) return bare
  // The canonical spelling of RFC 5952. Otherwise all IPv4 addresses in hex groups would share one /64.
  const text = new URL(`http://[${bare}]`).hostname.slice(1, -1)
  const mapped = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(text)
  if (mapped) return mapped.slice(1).flatMap(bytesOf).join('.')
  const [head = '', tail] = text.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail ? tail.split(':') : []
  const zeros = Array<string>(8 - left.length - right.length).fill('0')
  return [...left, ...zeros, ...right].slice(0, 4).join(':')
}

function bytesOf(group: string): number[] {
  const value = Number.parseInt(group, 16)
  return [value >> 8, value & 255]
}
