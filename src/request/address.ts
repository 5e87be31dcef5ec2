import { BlockList, isIP } from 'node:net'
import type { RequestLike } from './message.ts'

/** Finds the address that a request comes from; null where it is not known. */
export type AddressReader = (request: RequestLike) => string | null

/**
 * Reads the address of a request from its connection, and behind trusted proxies from X-Forwarded-For.
 *
 * Each proxy appends the address of its own peer, so the list is read from the right, and only as long as the hop that
 * wrote an entry is trusted. What stands further left was written by the sender, who may claim anything.
 *
 * @param trustedProxies addresses and ranges, such as `10.0.0.0/8` (ANNUL_TRUSTED_PROXIES)
 */
export function openAddressReader(trustedProxies: readonly string[]): AddressReader {
  const trusted = blockListOf(trustedProxies)
  const isTrusted = (address: string) => trusted.check(address, familyOf(address))

  return request => {
    let address = readAddress(request.socket?.remoteAddress)
    if (trustedProxies.length === 0) return address
    // Sent several times, they are one list.
    const hops = [request.headers['x-forwarded-for']].flat().join().split(',')
    for (const hop of hops.reverse()) {
      // RFC 9110, 5.6.1: empty elements of a list are ignored.
      if (hop.trim() === '') continue
      if (address === null || !isTrusted(address)) break
      address = readAddress(hop)
    }
    return address
  }
}

/**
 * An address as it is compared, stored and shown, or null where the text is none.
 *
 * Without the port that some proxies append. Without the zone (`fe80::1%eth0`), which is this machine's name for a
 * link. An IPv4 client of a server that listens on IPv6 (`::ffff:192.0.2.1`, `::ffff:c000:201`) is shown as IPv4.
 */
export function readAddress(text: string | undefined): string | null {
  if (text === undefined) return null
  if (isIP(text) === 4) return text
  const trimmed = text.trim()
  const written = /^\[([^\]]*)\](?::\d{1,5})?$|^([^:]*):\d{1,5}$/.exec(trimmed)
  const address = (written?.[1] ?? written?.[2] ?? trimmed).replace(/%.*/, '')
  if (isIP(address) !== 6) return isIP(address) === 4 ? address : null
  return mappedIPv4(address) ?? address
}

function mappedIPv4(address: string): string | undefined {
  // The one spelling of RFC 5952.
  const text = new URL(`http://[${address}]`).hostname
  const groups = /\[::ffff:([0-9a-f]+):([0-9a-f]+)\]/.exec(text)
  return groups
    ?.slice(1)
    .flatMap(group => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255])
    .join('.')
}

function blockListOf(ranges: readonly string[]): BlockList {
  const list = new BlockList()
  for (const range of ranges) {
    const [address = range, bits] = range.split('/')
    const family = familyOf(address)
    list.addSubnet(address, bits === undefined ? (family === 'ipv6' ? 128 : 32) : Number(bits), family)
  }
  return list
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4'
}
