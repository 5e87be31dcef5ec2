import { describe, expect, it } from '@jest/globals'
import { isObject, readHeader, readUnverifiedClaims } from '../../src/tokens/compactToken.ts'
import { encode, respell } from '../support/forge.ts'

const header = encode('{"alg":"ES256"}')
const claims = encode('{"sub":"ada"}')
const signature = encode('signature!')

describe('the header of a token', () => {
  it('is read from three parts, and from no other number', () => {
    expect(readHeader(`${header}.${claims}.${signature}`, 100)).toEqual({ alg: 'ES256' })
    for (const token of ['', header, `${header}.${claims}`, `${header}.${claims}.${signature}.${signature}`])
      expect(readHeader(token, 100)).toBeUndefined()
  })

  it('is read where no part is empty', () => {
    for (const token of [`.${claims}.${signature}`, `${header}..${signature}`, `${header}.${claims}.`, '..'])
      expect(readHeader(token, 100)).toBeUndefined()
  })

  it('is read where each part has its one spelling (RFC 7515, 2)', () => {
    for (const at of [0, 1, 2])
      for (const change of [respell, (part: string) => `${part}=`, (part: string) => `!${part}`]) {
        const parts = [encode('{"alg":"x"}'), encode('{"sb":"x"}'), encode('four')]
        expect(readHeader(parts.join('.'), 100)).toEqual({ alg: 'x' })
        parts[at] = change(parts[at] ?? '')
        expect(readHeader(parts.join('.'), 100)).toBeUndefined()
      }
  })

  it('is read where the token is no longer than asked for', () => {
    const token = `${header}.${claims}.${signature}`
    expect(readHeader(token, token.length)).toEqual({ alg: 'ES256' })
    expect(readHeader(token, token.length - 1)).toBeUndefined()
  })

  it('is an object', () => {
    for (const text of ['[]', '[{"alg":"ES256"}]', 'null', '"alg"', '1', 'true', '{', 'alg'])
      expect(readHeader(`${encode(text)}.${claims}.${signature}`, 100)).toBeUndefined()
  })
})

describe('the claims of a token', () => {
  it('are the second part, where that is an object', () => {
    expect(readUnverifiedClaims(`${header}.${claims}.${signature}`)).toEqual({ sub: 'ada' })
    for (const text of ['[]', 'null', '"ada"', '{'])
      expect(readUnverifiedClaims(`${header}.${encode(text)}.${signature}`)).toBeUndefined()
    expect(readUnverifiedClaims(header)).toBeUndefined()
  })
})

it('An object is neither null nor a list nor a function', () => {
  expect([{}, { a: 1 }, Object.create(null)].map(isObject)).toEqual([true, true, true])
  expect([null, undefined, [], 'text', 1, true, () => {}].some(isObject)).toBe(false)
})
