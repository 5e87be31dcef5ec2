import { createSecretKey, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto'
import { afterAll, describe, expect, it } from '@jest/globals'
import type { AcceptOptions } from '../../src/tokens/acceptOptions.ts'
import {
  formerAudience,
  formerIssuer,
  importUser,
  openFormerForge,
  openFormerSystem,
} from '../support/formerSystem.ts'
import { startTestServer, useServer } from '../support/server.ts'

/* A mistake in the options of accept is told when the server starts, and nothing is accepted by it. */

const lines: Record<string, unknown>[] = []
const server = useServer({ onLogLine: line => lines.push(JSON.parse(line)) })

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const pssRsa = generateKeyPairSync('rsa-pss', { modulusLength: 2048 })
const weakRsa = generateKeyPairSync('rsa', { modulusLength: 1024 })
const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' })
const ed25519 = generateKeyPairSync('ed25519')
const secret = randomBytes(32)
const pem = (key: KeyObject) => String(key.export({ type: 'spki', format: 'pem' }))
const privatePem = String(rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }))

const honest: AcceptOptions = {
  algorithms: ['RS256'],
  key: pem(rsa.publicKey),
  issuer: formerIssuer,
  audience: formerAudience,
  subject: claims => String(claims.sub),
  until: new Date('2100-01-01'),
}
const needsSecret = 'accept: for HS256, HS384 and HS512, key must be the secret as bytes, JWK or KeyObject.'
const needsPublic = 'accept: key must be a public key as PEM, JWK or KeyObject.'
const isPrivate = 'accept: key is a private key. Give the public half, which is all that verifying needs.'
const isPem = 'accept: key is a PEM, which is no secret. HS256, HS384 and HS512 need the secret.'
const isShort = 'accept: key must be a secret of at least 32 random bytes.'
const all = 'HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512'

describe('accept', () => {
  it.each<[string, object, string]>([
    ['no algorithm', { algorithms: [] }, `accept: algorithms must be a list of at least one of ${all}.`],
    [
      'a single name',
      { algorithms: 'RS256' },
      `accept: algorithms must be a list of at least one of ${all}.`,
    ],
    ['none', { algorithms: ['none'] }, `accept: "none" is not an algorithm. There are ${all}.`],
    ['EdDSA', { algorithms: ['RS256', 'EdDSA'] }, `accept: "EdDSA" is not an algorithm. There are ${all}.`],
    [
      'a name of every object',
      { algorithms: ['toString'] },
      `accept: "toString" is not an algorithm. There are ${all}.`,
    ],
    [
      'a secret and a public key at once',
      { algorithms: ['HS256', 'RS256'] },
      'accept: one key can not be a secret and an RSA key. Call accept for each of them.',
    ],
    [
      'two curves at once',
      { algorithms: ['ES256', 'ES384'] },
      'accept: one key can not be a P-256 key and a P-384 key. Call accept for each of them.',
    ],
    ['a PEM as the secret', { algorithms: ['HS256'], key: Buffer.from(pem(rsa.publicKey)) }, isPem],
    ['a private PEM as the secret', { algorithms: ['HS256'], key: Buffer.from(privatePem) }, isPem],
    [
      'a text as the secret',
      { algorithms: ['HS256'], key: 'a secret of more than 32 letters, all of them' },
      "accept: give a secret as bytes: Buffer.from(secret, 'utf8'), or 'base64'.",
    ],
    ['a public KeyObject as the secret', { algorithms: ['HS256'], key: rsa.publicKey }, needsSecret],
    [
      'a public JWK as the secret',
      { algorithms: ['HS256'], key: rsa.publicKey.export({ format: 'jwk' }) },
      needsSecret,
    ],
    ['no secret', { algorithms: ['HS256'], key: undefined }, needsSecret],
    ['a short secret', { algorithms: ['HS256'], key: randomBytes(31) }, isShort],
    [
      'a short secret as a KeyObject',
      { algorithms: ['HS512'], key: createSecretKey(randomBytes(31)) },
      isShort,
    ],
    ['a short secret as a JWK', { algorithms: ['HS256'], key: { kty: 'oct', k: 'AAAA' } }, isShort],
    ['a secret that is no random one', { algorithms: ['HS256'], key: Buffer.alloc(64, 'a') }, isShort],
    ['a secret for RS256', { key: secret }, needsPublic],
    ['a secret KeyObject for RS256', { key: createSecretKey(secret) }, needsPublic],
    ['a text that is no PEM', { key: 'https://login.example.com/jwks' }, needsPublic],
    ['a JWK that is none', { key: { kty: 'RSA' } }, needsPublic],
    ['a set of JWKs', { key: { keys: [] } }, needsPublic],
    ['nothing as the key', { key: null }, needsPublic],
    ['a private PEM', { key: privatePem }, isPrivate],
    ['a private JWK', { key: rsa.privateKey.export({ format: 'jwk' }) }, isPrivate],
    ['a private KeyObject', { key: rsa.privateKey }, isPrivate],
    [
      'an RSA key of 1024 bits',
      { key: weakRsa.publicKey },
      'accept: key has 1024 bits; an RSA key must have at least 2048.',
    ],
    [
      'a P-256 key for RS256',
      { key: p256.publicKey },
      'accept: RS256 needs an RSA key, and key is a P-256 key.',
    ],
    [
      'an RSA-PSS key for RS256',
      { key: pssRsa.publicKey },
      'accept: RS256 needs an RSA key, and key is a key of rsa-pss.',
    ],
    [
      'a P-384 key for ES256',
      { algorithms: ['ES256'], key: p384.publicKey },
      'accept: ES256 needs a P-256 key, and key is a P-384 key.',
    ],
    [
      'an Ed25519 key for ES256',
      { algorithms: ['ES256'], key: ed25519.publicKey },
      'accept: ES256 needs a P-256 key, and key is a key of ed25519.',
    ],
    [
      "Annul's issuer",
      { issuer: 'annul' },
      "accept: issuer is Annul's own. Give Annul another one (ANNUL_ISSUER).",
    ],
    [
      'no issuer',
      { issuer: undefined },
      'accept: issuer must be a text, or null where the tokens have none.',
    ],
    ['an empty issuer', { issuer: '' }, 'accept: issuer must be a text, or null where the tokens have none.'],
    [
      'several issuers',
      { issuer: ['a'] },
      'accept: issuer must be a text, or null where the tokens have none.',
    ],
    [
      'no audience',
      { audience: undefined },
      'accept: audience must be a text, or null where the tokens have none.',
    ],
    [
      'no subject',
      { subject: undefined },
      'accept: subject must be a function from the claims to the id of a user.',
    ],
    [
      'the name of a claim',
      { subject: 'sub' },
      'accept: subject must be a function from the claims to the id of a user.',
    ],
    ['no end', { until: undefined }, 'accept: until must be a Date that is valid.'],
    ['an end as text', { until: '2027-01-01' }, 'accept: until must be a Date that is valid.'],
    [
      'an end that is no time',
      { until: new Date('tomorrow') },
      'accept: until must be a Date that is valid.',
    ],
    ['a mistyped name', { isuer: 'x' }, 'accept: isuer is not an option. The nearest name is issuer.'],
  ])('refuses %s', (_, change, message) => {
    const wrong = { ...honest, ...change } as AcceptOptions
    expect(() => server.auth.accept(wrong)).toThrow(new TypeError(message))
  })

  it.each([null, undefined, [], 'RS256'])('refuses %j in place of options', options => {
    expect(() => server.auth.accept(options as never)).toThrow(
      new TypeError('accept: expected an object of options.'),
    )
  })

  it("refuses Annul's own key, under whatever issuer", () => {
    const { kid, privateKey } = server.auth.parts.keys.current()
    const own = server.auth.parts.keys.find(kid)?.publicKey
    expect(own).toBeDefined()
    for (const key of [own, pem(own as KeyObject), own?.export({ format: 'jwk' })])
      expect(() => server.auth.accept({ ...honest, algorithms: ['ES256'], key: key as KeyObject })).toThrow(
        new TypeError("accept: key is one of Annul's own. Its tokens need no accept."),
      )
    expect(privateKey.type).toBe('private')
  })

  it('accepts nothing after all of that', async () => {
    const system = openFormerSystem('RS256')
    const forge = openFormerForge(server, system, await importUser(server))
    expect(await forge.present(forge.make())).toMatchObject({ status: 401 })
  })

  it.each<[string, Partial<AcceptOptions>]>([
    ['a PEM', { key: pem(rsa.publicKey) }],
    ['the bytes of a PEM', { key: Buffer.from(pem(rsa.publicKey)) }],
    ['a JWK', { key: rsa.publicKey.export({ format: 'jwk' }) }],
    ['a KeyObject', { key: rsa.publicKey }],
    ['the bytes of a secret', { algorithms: ['HS256', 'HS512'], key: secret }],
    ['a secret KeyObject', { algorithms: ['HS256'], key: createSecretKey(secret) }],
    ['a secret JWK', { algorithms: ['HS384'], key: { kty: 'oct', k: secret.toString('base64url') } }],
  ])('takes %s', (_, change) => {
    const options = { ...honest, ...change, issuer: `https://${Math.random()}.example.com` }
    expect(() => server.auth.accept(options)).not.toThrow()
  })

  it('warns of an end that is over, and goes on: a server must start after that day, too', () => {
    lines.length = 0
    server.auth.accept({ ...honest, issuer: 'https://over.example.com', until: new Date('2020-01-01') })
    expect(lines).toMatchObject([
      { level: 40, msg: 'accept: until has passed, so none of these tokens is accepted.' },
    ])
  })
})

describe('accept on a server that binds its tokens', () => {
  const bound = useServer({ env: { ANNUL_BIND: 'ip' } })

  it('refuses, because a copy of a former token would be good anywhere', () => {
    expect(() => bound.auth.accept(honest)).toThrow(
      new TypeError(
        "accept: ANNUL_BIND asks for tokens that are bound, and a former system's tokens are not.",
      ),
    )
  })
})

describe('accept on a server that is closed', () => {
  it('throws', async () => {
    const closed = await startTestServer()
    await closed.close()
    expect(() => closed.auth.accept(honest)).toThrow(new Error('accept: this Annul is closed.'))
  })
})

afterAll(() => {
  // No message shows a key.
  const written = JSON.stringify(lines)
  for (const part of [secret.toString('base64'), privatePem.slice(40, 80)])
    expect(written).not.toContain(part)
})
