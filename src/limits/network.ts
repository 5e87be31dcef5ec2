import { isIP } from 'node:net'

/**
 * What counts as one address: an IPv4 address, or the /64 network of an IPv6 address, because every customer has a whole
 * one. An IPv4 address that is written as IPv6 (`::ffff:192.0.2.1`) is the IPv4 address.
 *
 * @returns null for a text that is no address
 */
export function networkOf(address: string | null): string | null {
  if (address === null) return null
  const family = isIP(address)
  if (family !== 6) return family === 4 ? address : null
  // The one spelling of RFC 5952, without the zone.
  const text = new URL(`http://[${address.replace(/%.*/, '')}]`).hostname.slice(1, -1)
  // "::" stands for as many zeros as are missing.
  const zeros = '0:'.repeat(8 - groupsOf(text).length)
  const groups = groupsOf(text.replace('::', `:${zeros}`))
  if (groups.slice(0, 6).join() === '0,0,0,0,0,ffff') return ipv4Of(groups.slice(6))
  return `${groups.slice(0, 4).join(':')}::/64`
}

function groupsOf(text: string): string[] {
  return text.split(':').filter(group => group !== '')
}

function ipv4Of(groups: readonly string[]): string {
  return groups
    .map(group => Number.parseInt(group, 16))
    .flatMap(bits => [bits >> 8, bits & 255])
    .join('.')
}
