import { describe, expect, it } from '@jest/globals'
import { relyingParty } from '../../src/factors/relyingParty.ts'

const partyOf = (publicUrl?: string, allowedOrigins?: string[]) =>
  relyingParty({ publicUrl, allowedOrigins, siteName: 'The Shop' })

describe('the relying party', () => {
  it.each([
    [undefined, 'localhost'],
    ['http://localhost:4000', 'localhost'],
    ['http://127.0.0.1:4000', 'localhost'],
    ['http://[::1]:4000', 'localhost'],
    ['https://auth.example.com', 'auth.example.com'],
    ['https://AUTH.example.com:8443/base', 'auth.example.com'],
    ['https://bücher.example', 'xn--bcher-kva.example'],
  ])('of the public URL %s is %s', (publicUrl, id) => {
    expect(partyOf(publicUrl)).toMatchObject({ id, name: 'The Shop' })
  })

  it('without a public URL is for every port of localhost, and for nothing else', () => {
    const { isExpected } = partyOf()
    for (const origin of ['http://localhost', 'http://localhost:5173', 'https://localhost:8443'])
      expect([origin, isExpected(origin)]).toEqual([origin, true])
    for (const origin of [
      ...[
        'http://localhost.evil.example',
        'http://evil.example',
        'http://127.0.0.1:4000',
        'http://localhost:',
      ],
      ...['http://localhost:80/', 'ftp://localhost', 'http://user@localhost', 'null', ''],
    ])
      expect([origin, isExpected(origin)]).toEqual([origin, false])
  })

  it('of a public URL is for its origin and the allowed ones, and not for localhost', () => {
    const { isExpected } = partyOf('https://auth.example.com/base', ['https://app.example.org'])
    expect(isExpected('https://auth.example.com')).toBe(true)
    expect(isExpected('https://app.example.org')).toBe(true)
    expect(isExpected('http://localhost:4000')).toBe(false)
    expect(isExpected('https://auth.example.com/base')).toBe(false)
  })

  it('of a public URL on localhost is for the ports that are named', () => {
    const { isExpected, related } = partyOf('http://localhost:4000', ['http://localhost:5173'])
    expect(isExpected('http://localhost:5173')).toBe(true)
    expect(isExpected('http://localhost:6006')).toBe(false)
    expect(related).toEqual([])
  })

  it('takes no origin without TLS, where browsers have no WebAuthn', () => {
    const { isExpected, related } = partyOf('https://auth.example.com', ['http://app.example.org'])
    expect(isExpected('http://app.example.org')).toBe(false)
    expect(related).toEqual([])
  })
})
