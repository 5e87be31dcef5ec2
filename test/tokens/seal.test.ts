import { randomBytes } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { seal, unseal } from '../../src/tokens/seal.ts'

const key = randomBytes(32)

describe('a sealed secret', () => {
  it('is opened by its key and its name', () => {
    const secret = randomBytes(20)
    expect(unseal(seal(secret, key, 'a row'), key, 'a row')).toEqual(secret)
    expect(unseal(seal(secret, key, ''), key, '')).toEqual(secret)
  })

  it('is opened by nothing else, and not after a change', () => {
    const sealed = seal(randomBytes(20), key, 'a row')
    expect(unseal(sealed, randomBytes(32), 'a row')).toBeUndefined()
    expect(unseal(sealed, key, 'another row')).toBeUndefined()
    for (const at of [0, 12, 28]) {
      const changed = Buffer.from(sealed)
      changed[at] = (changed[at] ?? 0) ^ 1
      expect(unseal(changed, key, 'a row')).toBeUndefined()
    }
  })

  it('never has the same nonce twice, unless one is given', () => {
    const secret = randomBytes(20)
    expect(seal(secret, key, '').subarray(0, 12)).not.toEqual(seal(secret, key, '').subarray(0, 12))
    const nonce = randomBytes(12)
    expect(seal(secret, key, '', nonce).subarray(0, 12)).toEqual(nonce)
  })

  // A tag of four bytes would be guessed by four billion tries, and an empty secret is one that everybody knows.
  it('is refused with a tag that is cut', () => {
    const sealed = seal(new Uint8Array(), key, '')
    expect(unseal(sealed, key, '')).toEqual(Buffer.alloc(0))
    for (const length of [16, 20, 24, 27]) expect(unseal(sealed.subarray(0, length), key, '')).toBeUndefined()
  })
})
