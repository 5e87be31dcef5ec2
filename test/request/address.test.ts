import { describe, expect, it } from '@jest/globals'
import { openAddressReader, readAddress } from '../../src/request/address.ts'

const [ada, eve] = ['203.0.113.7', '198.51.100.66']

/** The address of a request from this peer, which says this in X-Forwarded-For. */
function addressFrom(peer: string | undefined, forwarded?: string | string[], trusted = '10.0.0.0/8,::1') {
  return openAddressReader(trusted.split(','))({
    socket: { remoteAddress: peer },
    headers: { 'x-forwarded-for': forwarded },
  })
}

describe('an address is read', () => {
  it.each<[string, string, string | null]>([
    ['IPv4', '192.0.2.1', '192.0.2.1'],
    ['with spaces around it', ' 192.0.2.1\t', '192.0.2.1'],
    ['with a port', '192.0.2.1:65535', '192.0.2.1'],
    ['IPv4 written as IPv6', '::ffff:192.0.2.1', '192.0.2.1'],
    ['IPv4 written as IPv6 in capitals', '::FFFF:192.0.2.1', '192.0.2.1'],
    ['IPv4 written as IPv6 in hex groups', '::ffff:c000:201', '192.0.2.1'],
    ['IPv4 written as IPv6 at full length', '0:0:0:0:0:ffff:c000:0201', '192.0.2.1'],
    ['IPv6', '2001:db8::1', '2001:db8::1'],
    ['IPv6 whose last group looks like a port', '2001:db8::8080', '2001:db8::8080'],
    ['IPv6 in brackets', '[2001:db8::1]', '2001:db8::1'],
    ['IPv6 in brackets with a port', '[2001:db8::1]:443', '2001:db8::1'],
    ['IPv4 written as IPv6 in brackets with a port', '[::ffff:192.0.2.1]:443', '192.0.2.1'],
    ['the loopback', '::1', '::1'],
    ['a zone', 'fe80::1%eth0', 'fe80::1'],
    ['a zone, brackets and a port', '[fe80::1%25eth0]:443', 'fe80::1'],
    ['no text', '', null],
    ['a name', 'unknown', null],
    ['a name with a port', 'example.com:80', null],
    ['an obfuscated name (RFC 7239)', '_hidden', null],
    ['a number', '3232235777', null],
    ['three groups', '192.0.2', null],
    ['leading zeros', '192.0.02.1', null],
    ['a port without an address', ':443', null],
    ['an open bracket', '[2001:db8::1', null],
    ['text before the bracket', 'x[2001:db8::1]', null],
    ['text after the bracket', '[2001:db8::1]x', null],
    ['a port of six digits after the bracket', '[2001:db8::1]:100000', null],
    ['brackets round IPv4 in brackets', '[[::1]]', null],
    ['two addresses', '192.0.2.1 192.0.2.2', null],
    ['a range', '192.0.2.0/24', null],
  ])('%s: %s', (_, text, address) => {
    expect(readAddress(text)).toBe(address)
  })
})

describe('the address of a request is', () => {
  it('the connection’s, where no proxy is trusted, whatever the sender claims', () => {
    const addressOf = openAddressReader([])
    const headers = { 'x-forwarded-for': eve, forwarded: `for=${eve}`, 'x-real-ip': eve }
    expect(addressOf({ headers, socket: { remoteAddress: ada } })).toBe(ada)
    expect(addressOf({ headers, socket: { remoteAddress: `::ffff:${ada}` } })).toBe(ada)
  })

  it('not known, where there is no connection, or it has ended', () => {
    for (const trusted of [[], ['10.0.0.0/8']]) {
      expect(openAddressReader(trusted)({ headers: { 'x-forwarded-for': ada } })).toBeNull()
      expect(openAddressReader(trusted)({ headers: { 'x-forwarded-for': ada }, socket: {} })).toBeNull()
    }
  })

  it.each<[string, string, string | string[] | undefined, string | null]>([
    ['the peer’s, who is no trusted proxy', eve, ada, eve],
    ['what a trusted proxy says', '10.1.2.3', ada, ada],
    ['what a trusted proxy says that speaks IPv6 to us', '::ffff:10.1.2.3', ada, ada],
    ['what a trusted proxy says, without the port', '10.1.2.3', `${ada}:4711`, ada],
    ['the first from the right that is not trusted', '10.1.2.3', `${ada}, 10.9.9.9,10.8.8.8`, ada],
    ['never what stands further left', '10.1.2.3', `${ada}, ${eve}`, eve],
    ['never what stands left of it, even a proxy’s', '10.1.2.3', `10.0.0.1, ${eve}, 10.9.9.9`, eve],
    ['the proxy’s own, which forwards for nobody', '10.1.2.3', undefined, '10.1.2.3'],
    ['the proxy’s own, where the header is empty', '10.1.2.3', ' , ,', '10.1.2.3'],
    ['the leftmost, where all are trusted', '10.1.2.3', '10.4.4.4, 10.5.5.5', '10.4.4.4'],
    ['read past empty elements', '10.1.2.3', `${ada}, ,`, ada],
    ['read from a header that was sent twice', '10.1.2.3', [eve, ada], ada],
    ['an IPv6 client’s behind an IPv6 proxy', '::1', '2001:db8::7', '2001:db8::7'],
    ['not known, where the proxy does not know it', '10.1.2.3', 'unknown', null],
    ['not what the sender claims, where the proxy does not know it', '10.1.2.3', `${ada}, unknown`, null],
  ])('%s', (_, peer, forwarded, address) => {
    expect(addressFrom(peer, forwarded)).toBe(address)
  })

  it.each<[string, string, boolean]>([
    ['10.0.0.0/8', '10.255.255.255', true],
    ['10.0.0.0/8', '11.0.0.0', false],
    ['192.0.2.1', '192.0.2.1', true],
    ['192.0.2.1', '192.0.2.2', false],
    ['192.0.2.1', '::ffff:192.0.2.1', true],
    ['::ffff:10.0.0.0/104', '10.1.2.3', true],
    ['::ffff:10.0.0.0/104', '11.1.2.3', false],
    ['2001:db8::/32', '2001:db8:ffff::1', true],
    ['2001:db8::/32', '2001:db9::1', false],
    ['2001:db8::/32', '32.1.13.184', false],
    ['::1', '0:0:0:0:0:0:0:1', true],
    ['fe80::/10', 'fe80::1%eth0', true],
  ])('of the trusted %s, %s is one: %p', (range, peer, isOne) => {
    expect(addressFrom(peer, ada, range)).toBe(isOne ? ada : readAddress(peer))
  })
})
