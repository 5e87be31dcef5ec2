import { createHash } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { hashServiceSecret, isServiceSecret, makeServiceSecret } from '../../src/tokens/serviceSecret.ts'

describe("a service's secret", () => {
  it('is 256 random bits behind a prefix, and another one each time', () => {
    const secrets = new Set(Array.from({ length: 100 }, makeServiceSecret))
    expect(secrets.size).toBe(100)
    for (const secret of secrets) {
      expect(secret).toMatch(/^annul_sv_[A-Za-z0-9_-]{43}$/)
      expect(Buffer.from(secret.slice(9), 'base64url')).toHaveLength(32)
      expect(isServiceSecret(secret)).toBe(true)
    }
  })

  it('has one spelling, and nothing else has its shape', () => {
    const secret = makeServiceSecret()
    // The last character of 43 has two bits that say nothing.
    const otherSpelling = `annul_sv_${'A'.repeat(42)}B`
    const others = [
      ...['', 'annul_sv_', secret.slice(1), secret.slice(0, -1), `${secret}A`, ` ${secret}`, `${secret}\n`],
      ...[secret.replace('annul_sv_', 'annul_rt_'), secret.toUpperCase(), `annul_sv_${'+'.repeat(43)}`],
      otherSpelling,
    ]
    expect(others.filter(isServiceSecret)).toEqual([])
    expect(isServiceSecret(`annul_sv_${'A'.repeat(43)}`)).toBe(true)
  })

  it('is stored as its SHA-256', () => {
    expect(hashServiceSecret('annul_sv_x')).toEqual(createHash('sha256').update('annul_sv_x').digest())
  })
})
