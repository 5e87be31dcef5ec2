import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { isMadeFor, isSigningAlgorithm, signingAlgorithms } from '../../src/tokens/keySet.ts'
import { decryptPrivateKey, encryptPrivateKey, generatePrivateKey } from '../../src/tokens/privateKeys.ts'

const encryptionKey = Buffer.alloc(32, 'a key of 32 bytes, in this test.')
const stored = {
  key: 'tmAjoW97Z17ljhptQFyFrnAWa18ijmjn0FUf_6LZsQQ',
  encrypted:
    'vXDy4mCfDbEUpeo0ZWRy3iwS9+CmYMuRTyyFrf21KPxP9GRqgEK9r88hCBdsKrnbUs0xIMXtv7P+TU/tlm1gelrjsQFcJB3l' +
    '2n71mw88SolI25233+ytIT8u6k5JPrsHA5HrLUIULXgovCcmJ4zmp1wn3sNVcOPK0S3ScJJQQklrKvFJJiL+QBnfBmCtwI454/O+EDRIVIE4dw9Ou3BgVCOweDCyTw==',
}
const kid = '0b0e7a52-3c6f-4d3b-9b5e-2f0d3a1c4e5f'

describe('the algorithms that sign', () => {
  it('are three, by their exact names', () => {
    expect(['ES256', 'RS256', 'PS256'].map(isSigningAlgorithm)).toEqual([true, true, true])
    for (const other of ['es256', 'HS256', 'none', '', undefined, null, ['ES256']])
      expect(isSigningAlgorithm(other)).toBe(false)
  })

  it.each(signingAlgorithms)('%s has keys of its own kind', async algorithm => {
    const key = await generatePrivateKey(algorithm)
    const { namedCurve, modulusLength } = key.asymmetricKeyDetails ?? {}
    expect([key.type, key.asymmetricKeyType, namedCurve, modulusLength]).toEqual(
      algorithm === 'ES256'
        ? ['private', 'ec', 'prime256v1', undefined]
        : ['private', 'rsa', undefined, 2048],
    )
    expect(isMadeFor(algorithm, key)).toBe(true)
    expect((await generatePrivateKey(algorithm)).equals(key)).toBe(false)
  })

  it('have no keys of another kind', () => {
    const [p256, p384, rsa, pss, ed25519] = [
      generateKeyPairSync('ec', { namedCurve: 'P-256' }),
      generateKeyPairSync('ec', { namedCurve: 'P-384' }),
      generateKeyPairSync('rsa', { modulusLength: 2048 }),
      generateKeyPairSync('rsa-pss', { modulusLength: 2048 }),
      generateKeyPairSync('ed25519'),
    ].map(({ privateKey }) => privateKey)
    if (!p256 || !rsa) throw new Error('The keys were not made.')
    for (const key of [p384, rsa, pss, ed25519]) expect(key && isMadeFor('ES256', key)).toBe(false)
    for (const key of [p256, p384, pss, ed25519])
      for (const algorithm of ['RS256', 'PS256'] as const)
        expect(key && isMadeFor(algorithm, key)).toBe(false)
  })
})

describe.each(signingAlgorithms)('a private half for %s', algorithm => {
  it('opens for its own id and algorithm and under its own key, and for nothing else', async () => {
    const key = await generatePrivateKey(algorithm)
    const encrypted = encryptPrivateKey(kid, algorithm, key, encryptionKey)
    expect(decryptPrivateKey(kid, algorithm, encrypted, encryptionKey)?.equals(key)).toBe(true)
    const otherId = kid.replace('0', '1')
    expect(decryptPrivateKey(otherId, algorithm, encrypted, encryptionKey)).toBeUndefined()
    expect(decryptPrivateKey(kid, algorithm, encrypted, Buffer.alloc(32, 1))).toBeUndefined()
    for (const other of signingAlgorithms)
      if (other !== algorithm) expect(decryptPrivateKey(kid, other, encrypted, encryptionKey)).toBeUndefined()
  })

  it('does not open where a byte was changed, nor where one is missing or added', async () => {
    const encrypted = encryptPrivateKey(kid, algorithm, await generatePrivateKey(algorithm), encryptionKey)
    const flipped = (at: number) =>
      Uint8Array.from(encrypted, (byte, index) => (index === at ? byte ^ 1 : byte))
    for (const at of [0, 11, 12, 27, 28, encrypted.length - 1])
      expect(decryptPrivateKey(kid, algorithm, flipped(at), encryptionKey)).toBeUndefined()
    for (const length of [0, 11, 12, 20, 28, encrypted.length - 1])
      expect(decryptPrivateKey(kid, algorithm, encrypted.subarray(0, length), encryptionKey)).toBeUndefined()
    const longer = Buffer.concat([encrypted, Buffer.alloc(1)])
    expect(decryptPrivateKey(kid, algorithm, longer, encryptionKey)).toBeUndefined()
  })

  it('is 28 bytes longer than the key, and another text each time', async () => {
    const key = await generatePrivateKey(algorithm)
    const texts = [1, 2].map(() => Buffer.from(encryptPrivateKey(kid, algorithm, key, encryptionKey)))
    const der = key.export({ format: 'der', type: 'pkcs8' })
    expect(texts.map(({ length }) => length)).toEqual([28 + der.length, 28 + der.length])
    expect(texts[0]?.subarray(0, 12)).not.toEqual(texts[1]?.subarray(0, 12))
    expect(texts[0]?.subarray(28)).not.toEqual(texts[1]?.subarray(28))
  })
})

it('A private half that was encrypted for an algorithm that it is not made for does not open', async () => {
  const rsa = await generatePrivateKey('RS256')
  const encrypted = encryptPrivateKey(kid, 'ES256', rsa, encryptionKey)
  expect(decryptPrivateKey(kid, 'ES256', encrypted, encryptionKey)).toBeUndefined()
})

it('A private half that an older version has encrypted still opens', () => {
  // The id alone is authenticated: so were keys when there was one algorithm.
  const { key, encrypted } = stored
  const opened = decryptPrivateKey(kid, 'ES256', Buffer.from(encrypted, 'base64'), encryptionKey)
  expect(opened?.export({ format: 'jwk' }).d).toBe(key)
})
