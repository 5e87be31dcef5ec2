import { createSecretKey, generateKeyPairSync, KeyObject, randomBytes } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { readAcceptedKey } from '../../src/tokens/acceptedKey.ts'
import type { AcceptedAlgorithm } from '../../src/tokens/acceptOptions.ts'

/* What the key of `accept` is read as. The same through a server, with all other options: acceptOptions.test.ts. */

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve })
const [p256, p384, p521] = [ec('P-256'), ec('P-384'), ec('P-521')]
const secret = randomBytes(32)
const pemOf = (key: KeyObject) => String(key.export({ type: 'spki', format: 'pem' }))
const names = 'HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512'

describe('the key of a former system', () => {
  const keys: [AcceptedAlgorithm[], KeyObject, unknown[]][] = [
    [
      ['HS256', 'HS384', 'HS512'],
      createSecretKey(secret),
      [
        secret,
        new Uint8Array(secret),
        createSecretKey(secret),
        { kty: 'oct', k: secret.toString('base64url') },
      ],
    ],
    ...(
      [
        [['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'], rsa.publicKey],
        [['ES256'], p256.publicKey],
        [['ES384'], p384.publicKey],
        [['ES512'], p521.publicKey],
      ] as [AcceptedAlgorithm[], KeyObject][]
    ).map(([algorithms, key]): [AcceptedAlgorithm[], KeyObject, unknown[]] => [
      algorithms,
      key,
      [key, pemOf(key), Buffer.from(pemOf(key)), key.export({ format: 'jwk' })],
    ]),
  ]

  it.each(keys)('for %j is one and the same, in whichever form it is given', (algorithms, key, forms) => {
    for (const form of forms) {
      const read = readAcceptedKey(algorithms, form)
      expect(read.algorithms).toEqual(new Set(algorithms))
      expect(read.key).toBeInstanceOf(KeyObject)
      expect(read.key.equals(key)).toBe(true)
      for (const algorithm of algorithms)
        expect(readAcceptedKey([algorithm], form).algorithms).toEqual(new Set([algorithm]))
    }
  })

  const kinds = keys.map(([[algorithm = 'HS256'], , [, form]]) => ({ algorithm, form }))
  it.each(kinds)('for $algorithm is no key for an algorithm of another kind', ({ algorithm }) => {
    for (const other of kinds)
      if (other.algorithm !== algorithm) {
        expect(() => readAcceptedKey([algorithm], other.form)).toThrow(TypeError)
        expect(() => readAcceptedKey([algorithm, other.algorithm], other.form)).toThrow(
          /^accept: one key can not be an? .+ and an? .+\. Call accept for each of them\.$/,
        )
      }
  })
})

describe('what can not be the key is refused, and never shown', () => {
  const needsSecret = 'accept: for HS256, HS384 and HS512, key must be the secret as bytes, JWK or KeyObject.'
  const needsPublic = 'accept: key must be a public key as PEM, JWK or KeyObject.'
  const isPrivate = 'accept: key is a private key. Give the public half, which is all that verifying needs.'
  const isPem = 'accept: key is a PEM, which is no secret. HS256, HS384 and HS512 need the secret.'
  const isShort = 'accept: key must be a secret of at least 32 random bytes.'
  const privatePem = String(rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }))
  const secretJwk = { kty: 'oct', k: secret.toString('base64url') }

  it.each<[string, unknown, unknown, string]>([
    ['no list', 'RS256', rsa.publicKey, `accept: algorithms must be a list of at least one of ${names}.`],
    ['an empty list', [], rsa.publicKey, `accept: algorithms must be a list of at least one of ${names}.`],
    ['none', ['none'], rsa.publicKey, `accept: "none" is not an algorithm. There are ${names}.`],
    [
      'a name of every object',
      ['toString'],
      secret,
      `accept: "toString" is not an algorithm. There are ${names}.`,
    ],
    [
      'a list as a name',
      [['RS256']],
      rsa.publicKey,
      `accept: ["RS256"] is not an algorithm. There are ${names}.`,
    ],
    ['the bytes of a PEM', ['HS256'], Buffer.from(pemOf(rsa.publicKey)), isPem],
    ['the bytes of a PEM after others', ['HS256'], Buffer.from(`\n${pemOf(p256.publicKey)}`), isPem],
    [
      'a text',
      ['HS256'],
      'a secret of more than 32 letters, all of them',
      "accept: give a secret as bytes: Buffer.from(secret, 'utf8'), or 'base64'.",
    ],
    ['a public key', ['HS256'], rsa.publicKey, needsSecret],
    ['a private key', ['HS256'], rsa.privateKey, needsSecret],
    ['a JWK of another kind', ['HS256'], { ...secretJwk, kty: 'RSA' }, needsSecret],
    ['a JWK without its bytes', ['HS256'], { kty: 'oct' }, needsSecret],
    ['a JWK of a list', ['HS256'], { kty: 'oct', k: [...secret] }, needsSecret],
    ['a list', ['HS256'], [...secret], needsSecret],
    ['null', ['HS256'], null, needsSecret],
    ['31 bytes', ['HS256'], randomBytes(31), isShort],
    ['equal bytes', ['HS256'], Buffer.alloc(64, 'a'), isShort],
    ['a secret as the public key', ['RS256'], createSecretKey(secret), needsPublic],
    ['a JWK of a secret as the public key', ['RS256'], secretJwk, needsPublic],
    ['bytes as the public key', ['RS256'], secret, needsPublic],
    ['a URL as the public key', ['RS256'], 'https://login.example.com/jwks', needsPublic],
    ['null as the public key', ['RS256'], null, needsPublic],
    ['a list as the public key', ['RS256'], [rsa.publicKey], needsPublic],
    ['a number as the public key', ['RS256'], 7, needsPublic],
    ['a private KeyObject', ['RS256'], rsa.privateKey, isPrivate],
    ['a private PEM', ['RS256'], privatePem, isPrivate],
    ['the bytes of a private PEM', ['RS256'], Buffer.from(privatePem), isPrivate],
    ['a private JWK', ['RS256'], rsa.privateKey.export({ format: 'jwk' }), isPrivate],
    [
      'an RSA key of 2047 bits',
      ['RS256'],
      generateKeyPairSync('rsa', { modulusLength: 2047 }).publicKey,
      'accept: key has 2047 bits; an RSA key must have at least 2048.',
    ],
    [
      'a P-256 key for RS256',
      ['RS256', 'PS512'],
      p256.publicKey,
      'accept: RS256, PS512 needs an RSA key, and key is a P-256 key.',
    ],
    [
      'a P-521 key for ES384',
      ['ES384'],
      p521.publicKey,
      'accept: ES384 needs a P-384 key, and key is a P-521 key.',
    ],
    [
      'a P-384 key for ES512',
      ['ES512'],
      p384.publicKey,
      'accept: ES512 needs a P-521 key, and key is a P-384 key.',
    ],
    [
      'an RSA key for ES256',
      ['ES256'],
      rsa.publicKey,
      'accept: ES256 needs a P-256 key, and key is an RSA key.',
    ],
    [
      'a key on another curve',
      ['ES256'],
      ec('secp256k1').publicKey,
      'accept: ES256 needs a P-256 key, and key is a key of secp256k1.',
    ],
    [
      'a key without a curve',
      ['ES256'],
      generateKeyPairSync('ed25519').publicKey,
      'accept: ES256 needs a P-256 key, and key is a key of ed25519.',
    ],
  ])('%s', (_, algorithms, key, message) => {
    expect(() => readAcceptedKey(algorithms, key)).toThrow(new TypeError(message))
  })
})
