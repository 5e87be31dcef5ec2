import { randomBytes, randomUUID } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { oneTimeTokens } from '../../src/tokens/oneTimeToken.ts'

const secret = randomBytes(32)
const tokens = oneTimeTokens(secret)

describe('a one-time token', () => {
  it('is read as the id that it was derived from, and has one text (ASVS 5.0 6.5.3)', () => {
    const ids = Array.from({ length: 200 }, () => randomUUID())
    for (const id of ids) {
      expect(tokens.read(tokens.derive(id))).toBe(id)
      expect(tokens.derive(id)).toBe(tokens.derive(id))
      expect(tokens.derive(id)).toMatch(/^annul_ot_[\w-]{64}$/)
    }
    expect(new Set(ids.map(tokens.derive)).size).toBe(ids.length)
  })

  it('of 256 bits is refused with any one character changed', () => {
    const token = tokens.derive(randomUUID())
    for (let at = 0; at < token.length; at++)
      for (const other of ['A', 'b', '-', '=', ' ', '\0', '/'].filter(other => other !== token[at]))
        expect(tokens.read(token.slice(0, at) + other + token.slice(at + 1))).toBeUndefined()
  })

  it('of the previous secret is read while the secret changes, and made no more', () => {
    const [present, id] = [randomBytes(32), randomUUID()]
    const changing = oneTimeTokens(present, secret)
    expect(changing.read(tokens.derive(id))).toBe(id)
    expect(changing.derive(id)).toBe(oneTimeTokens(present).derive(id))
    expect(changing.read(changing.derive(id))).toBe(id)
    expect(oneTimeTokens(present).read(tokens.derive(id))).toBeUndefined()
  })

  it.each([
    ['empty', () => ''],
    ['the prefix alone', () => 'annul_ot_'],
    ['cut short', () => tokens.derive(randomUUID()).slice(0, -1)],
    ['longer', () => `${tokens.derive(randomUUID())}A`],
    ['with a space before it', () => ` ${tokens.derive(randomUUID())}`],
    ['of another secret', () => oneTimeTokens(randomBytes(32)).derive(randomUUID())],
    ['of lone surrogates', () => `annul_ot_${'\ud800'.repeat(64)}`],
    ['of 100 kB', () => 'x'.repeat(100_000)],
    ['random', () => `annul_ot_${randomBytes(48).toString('base64url')}`],
  ])('is refused: %s', (_, make) => {
    expect(tokens.read(make())).toBeUndefined()
  })
})

describe('a code', () => {
  it('has 8 characters that a person can read, each as likely as any other (ASVS 5.0 6.5.4)', () => {
    const counts = new Map<string, number>()
    for (let round = 0; round < 4000; round++) {
      const code = tokens.code(randomUUID())
      expect(code).toMatch(/^[0-9A-HJKMNP-TV-Z]{8}$/)
      for (const letter of code) counts.set(letter, (counts.get(letter) ?? 0) + 1)
    }
    expect(counts.size).toBe(32)
    // 1,000 of each are expected, with a deviation of 31.
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(200)
  })

  it('tells nothing of the token, and depends on the secret (ASVS 5.0 6.5.2)', () => {
    const id = randomUUID()
    expect(tokens.derive(id)).not.toContain(tokens.code(id))
    expect(oneTimeTokens(randomBytes(32)).code(id)).not.toBe(tokens.code(id))
  })

  it('is right for its own token, and no other text is', () => {
    const [id, other] = [randomUUID(), randomUUID()]
    const code = tokens.code(id)
    expect(tokens.isCode(id, code)).toBe(true)
    for (const wrong of [tokens.code(other), code.slice(1), `${code}A`, ''])
      expect(tokens.isCode(id, wrong)).toBe(false)
  })

  it('of the previous secret is right while the secret changes', () => {
    const [present, id] = [randomBytes(32), randomUUID()]
    const changing = oneTimeTokens(present, secret)
    expect(changing.code(id)).toBe(oneTimeTokens(present).code(id))
    expect([changing.code(id), tokens.code(id)].map(code => changing.isCode(id, code))).toEqual([true, true])
    expect(oneTimeTokens(present).isCode(id, tokens.code(id))).toBe(false)
  })

  it('may be typed in small letters, with spaces and hyphens, and with letters that look like digits', () => {
    expect(tokens.readCode(' ab1o-0l7i\n')).toBe('AB100171')
    expect(tokens.readCode('abcd efgh')).toBe('ABCDEFGH')
  })

  it.each(['', 'ABCDEFG', 'ABCDEFGHJ', 'ABCDEFGU', 'ÄBCDEFGH', '\ud800BCDEFGH', '________'])(
    'is none: %j',
    text => {
      expect(tokens.readCode(text)).toBeUndefined()
    },
  )
})
