import { describe, expect, it } from '@jest/globals'
import { VerifiedTokens } from '../../src/tokens/verifiedTokens.ts'

const tail = 'the last 22 characters'
const tokenOf = (name: string) => `${name}.${name.padEnd(tail.length, '.')}`

describe('tokens that were verified', () => {
  it('are found by all of their text, and gone once they are deleted', () => {
    const tokens = new VerifiedTokens<string>(10)
    expect(tokens.get(tokenOf('a'), 0)).toBeUndefined()
    tokens.set(tokenOf('a'), 'claims of a')
    tokens.set(tokenOf('b'), 'claims of b')
    expect([tokens.get(tokenOf('a'), 0), tokens.get(tokenOf('b'), 0)]).toEqual(['claims of a', 'claims of b'])
    expect(tokens.get(`x${tokenOf('a')}`, 0)).toBeUndefined()
    tokens.delete(tokenOf('a'))
    expect([tokens.get(tokenOf('a'), 0), tokens.get(tokenOf('b'), 0)]).toEqual([undefined, 'claims of b'])
  })

  it('of one end are one: the last that was verified', () => {
    const tokens = new VerifiedTokens<string>(10)
    tokens.set(`one.${tail}`, 'one')
    tokens.set(`other.${tail}`, 'other')
    expect([tokens.get(`one.${tail}`, 0), tokens.get(`other.${tail}`, 0)]).toEqual([undefined, 'other'])
    // A character more tells them apart.
    tokens.set(`a${tail}`.slice(0, 22), 'a')
    expect(tokens.get(`other.${tail}`, 0)).toBe('other')
  })

  it('are as many as the limit says, and the oldest goes first', () => {
    const tokens = new VerifiedTokens<string>(2)
    for (const name of ['a', 'b', 'c']) tokens.set(tokenOf(name), name)
    expect(['a', 'b', 'c'].map(name => tokens.get(tokenOf(name), 0))).toEqual([undefined, 'b', 'c'])
  })

  it('are forgotten once the keys are others, for good', () => {
    const tokens = new VerifiedTokens<string>(10)
    tokens.set(tokenOf('a'), 'a')
    expect(tokens.get(tokenOf('b'), 1)).toBeUndefined()
    expect(tokens.get(tokenOf('a'), 1)).toBeUndefined()
    expect(tokens.get(tokenOf('a'), 0)).toBeUndefined()
    tokens.set(tokenOf('a'), 'a')
    expect(tokens.get(tokenOf('a'), 0)).toBe('a')
  })
})
