import { randomBytes, randomUUID } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { generateSync } from 'otplib'
import { openTotp } from '../../src/factors/totp.ts'

const totp = openTotp(randomBytes(32), undefined, 'Annul')
const id = randomUUID()
const { sealed, secret } = totp.create(id, 'ada@example.com')
/** In the middle of the step 60,000,000. */
const now = 60_000_000 * 30 + 15
const codeAt = (steps: number) => generateSync({ secret, epoch: now + 30 * steps })
const stepOf = (code: string, lastStep: number | null = null) =>
  totp.stepOf({ id, sealed, lastStep }, code, now)

describe('A code of an authenticator app', () => {
  it('counts in its step, the one before and the one after, by the time that is given (ASVS 5.0 6.5.8)', () => {
    const found = [-2, -1, 0, 1, 2].map(steps => stepOf(codeAt(steps)))
    expect(found).toEqual([undefined, 59_999_999, 60_000_000, 60_000_001, undefined])
  })

  it('counts in no step that was used, nor in one before it', () => {
    expect(stepOf(codeAt(0), 60_000_000)).toBeUndefined()
    expect(stepOf(codeAt(-1), 60_000_000)).toBeUndefined()
    expect(stepOf(codeAt(1), 60_000_000)).toBe(60_000_001)
    // The database's clock was set back.
    expect(stepOf(codeAt(0), 60_000_005)).toBeUndefined()
  })

  it('may be typed with spaces, and has six ASCII digits', () => {
    const code = codeAt(0)
    expect(stepOf(`${code.slice(0, 3)} ${code.slice(3)}`)).toBe(60_000_000)
    const arabic = [...code].map(digit => String.fromCodePoint(0x0660 + Number(digit))).join('')
    for (const other of ['', code.slice(1), `${code}0`, `-${code}`, arabic, '12345\u0000'])
      expect(stepOf(other)).toBeUndefined()
  })
})
