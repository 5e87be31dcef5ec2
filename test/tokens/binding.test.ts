import { createHash, createHmac } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { bindAddress, bindFingerprint, networkOf } from '../../src/tokens/binding.ts'
import { hasProofForm, isRenewalProof } from '../../src/tokens/renewalProof.ts'

describe('the network of an address', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::ffff:c000:201', '192.0.2.1'],
    ['::FFFF:C000:0201', '192.0.2.1'],
    ['0:0:0:0:0:ffff:c000:201', '192.0.2.1'],
    ['::ffff:0.0.0.1', '0.0.0.1'],
    ['::ffff:255.255.1.0', '255.255.1.0'],
    ['2001:db8::1', '2001:db8:0:0'],
    ['2001:db8:0:0:1::', '2001:db8:0:0'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:0db8:0001:0002::', '2001:db8:1:2'],
    ['2001:DB8:A:B::1', '2001:db8:a:b'],
    ['1::', '1:0:0:0'],
    ['::1', '0:0:0:0'],
    ['::', '0:0:0:0'],
    ['::5:6:7:8', '0:0:0:0'],
    ['::4:5:6:7:8', '0:0:0:4'],
    ['1::4:5:6:7:8', '1:0:0:4'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
    ['fe80::1%eth0%1', 'fe80:0:0:0'],
    // Mapped addresses of another prefix are IPv6.
    ['64:ff9b::192.0.2.1', '64:ff9b:0:0'],
    ['::ffff:0:192.0.2.1', '0:0:0:0'],
    ['1::ffff:192.0.2.1', '1:0:0:0'],
  ])('of %s is %s', (address, network) => {
    expect(networkOf(address)).toBe(network)
  })
})

describe('a binding', () => {
  const hash = (text: string) => createHash('sha256').update(text).digest('base64url')

  it('to an address is one for all of its network', () => {
    expect(bindAddress('192.0.2.1')).toBe(hash('ip 192.0.2.1'))
    expect(bindAddress('::ffff:192.0.2.1')).toBe(bindAddress('192.0.2.1'))
    expect(bindAddress('2001:db8::1')).toBe(hash('ip 2001:db8:0:0'))
    expect(bindAddress('2001:db8:0:0:ffff::9')).toBe(bindAddress('2001:db8::1'))
    expect(bindAddress('192.0.2.2')).not.toBe(bindAddress('192.0.2.1'))
  })

  it('to a cookie is never one to an address', () => {
    expect(bindFingerprint('192.0.2.1')).toBe(hash('cookie 192.0.2.1'))
    expect(bindFingerprint('192.0.2.1')).not.toBe(bindAddress('192.0.2.1'))
  })
})

describe('the proof of a renewal', () => {
  const token = 'annul_rt_token'
  const make = (key: string, text: string) => createHmac('sha256', key).update(text).digest('base64url')
  const proof = make(token, 'annul-renewthe id')

  it('is right for one refresh token and one access token', () => {
    expect(isRenewalProof(proof, token, 'the id')).toBe(true)
    expect(isRenewalProof(proof, token, 'another')).toBe(false)
    expect(isRenewalProof(proof, `${token}x`, 'the id')).toBe(false)
    expect(isRenewalProof(make(token, 'the id'), token, 'the id')).toBe(false)
  })

  it('is right in one spelling', () => {
    for (const other of [
      '',
      `${proof}=`,
      ` ${proof}`,
      `${proof}\n`,
      proof.slice(1),
      `x${proof}`,
      '='.repeat(43),
    ]) {
      expect(hasProofForm(other)).toBe(false)
      expect(isRenewalProof(other, token, 'the id')).toBe(false)
    }
    expect(hasProofForm(proof)).toBe(true)
    expect(hasProofForm('-_'.repeat(21).concat('a'))).toBe(true)
  })
})
