import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { beforeAll, describe, expect, it } from '@jest/globals'
import { encode, es256, type Forge, hmac, openForge, refuses } from '../support/forge.ts'
import { useServer } from '../support/server.ts'

/* Forged signatures, against a node over HTTP. What the header may say is in accessTokenHeader.test.ts. */

const server = useServer()
let honest: string
let forge: Forge
beforeAll(async () => {
  honest = (await server.signUp()).accessToken
  forge = openForge(server, honest)
})

const none = () => Buffer.alloc(0)

describe('an access token', () => {
  it('is accepted when nothing of it was changed, made by hand or by the server', async () => {
    expect(await forge.present(honest)).toEqual(forge.accepted)
    expect(await forge.present(forge.make())).toEqual(forge.accepted)
  })

  it('has a header of three members and an ES256 signature of 64 bytes', () => {
    const { kid } = server.auth.parts.keys.current()
    expect(forge.header).toEqual({ alg: 'ES256', typ: 'at+jwt', kid })
    expect(Buffer.from(honest.split('.')[2] ?? '', 'base64url')).toHaveLength(64)
  })
})

describe('the algorithm (ASVS 5.0 9.1.2)', () => {
  /** `none` in upper and lower case, letter by letter. */
  const casings = Array.from({ length: 16 }, (_, bits) =>
    [...'none'].map((letter, at) => (bits & (1 << at) ? letter.toUpperCase() : letter)).join(''),
  )
  const withSecrets = (secrets: (key: KeyObject) => (string | Buffer)[]) => (forge: Forge) =>
    secrets(forge.publicKey).flatMap(secret => [
      forge.make({ header: { alg: 'HS256' }, signer: hmac('sha256', secret) }),
      forge.make({ header: { alg: 'HS384' }, signer: hmac('sha384', secret) }),
      forge.make({ header: { alg: 'HS512' }, signer: hmac('sha512', secret) }),
      forge.make({ signer: hmac('sha256', secret) }),
    ])

  refuses(() => forge, {
    'none, in every casing, unsigned': ({ make }) =>
      casings.flatMap(alg => [
        make({ header: { alg }, signer: none }),
        make({ header: { alg, typ: 'JWT' }, signer: none }),
      ]),
    'none, in every casing, under an honest signature': ({ make }) =>
      casings.map(alg => make({ header: { alg } })),
    'none, without the dot before the missing signature': ({ make }) =>
      casings.map(alg => make({ header: { alg }, signer: none }).slice(0, -1)),
    "HMAC with the public key's PEM as the secret": withSecrets(key => {
      const pem = String(key.export({ type: 'spki', format: 'pem' }))
      return [pem, pem.trim(), pem.replaceAll('\n', '\r\n'), pem.replaceAll(/-----.*-----|\n/g, '')]
    }),
    "HMAC with the public key's JWK as the secret": withSecrets(key => {
      const { x = '', y = '', ...jwk } = key.export({ format: 'jwk' })
      const { keys } = server.auth.parts.keys.jwks()
      return [JSON.stringify({ ...jwk, x, y }), JSON.stringify(keys[0]), JSON.stringify({ keys }), x, y]
    }),
    "HMAC with the public key's DER as the secret": withSecrets(key => {
      const der = key.export({ type: 'spki', format: 'der' })
      return [der, der.subarray(-65), der.subarray(-64), der.toString('hex')]
    }),
    'HMAC with nothing as the secret': withSecrets(() => ['', 'null', 'undefined']),
    'an honest signature under any other name': ({ make }) =>
      [
        'RS256',
        'PS256',
        'HS256',
        'ES384',
        'ES512',
        'ES256K',
        'EdDSA',
        'es256',
        '',
        null,
        0,
        ['ES256'],
        undefined,
      ].map(alg => make({ header: { alg } })),
    'RSA, EdDSA and ECDSA on other curves, each honestly named and named ES256': ({ make }) =>
      others().flatMap(([alg, hash, key]) => {
        const signer = (input: string) => sign(hash, Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' })
        return [make({ header: { alg }, signer }), make({ signer })]
      }),
  })

  function others(): [alg: string, hash: string | null, key: KeyObject][] {
    const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve }).privateKey
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
    return [
      ...(['RS256', 'PS256'] as const).map((alg): [string, string, KeyObject] => [alg, 'sha256', rsa]),
      ['ES384', 'sha384', ec('P-384')],
      ['ES512', 'sha512', ec('P-521')],
      ['ES256K', 'sha256', ec('secp256k1')],
      ['EdDSA', null, generateKeyPairSync('ed25519').privateKey],
    ]
  }
})

describe('the signature (ASVS 5.0 9.1.1)', () => {
  const withSignature = (change: (signature: Buffer) => Uint8Array) => (forge: Forge) => {
    const [header, claims, signature = ''] = forge.make().split('.')
    return [`${header}.${claims}.${encode(change(Buffer.from(signature, 'base64url')))}`]
  }
  refuses(() => forge, {
    'a truncated one': forge =>
      [1, 2, 31, 32, 33, 63].flatMap(length => withSignature(s => s.subarray(0, length))(forge)),
    'a missing one': forge => [...withSignature(none)(forge), forge.make().replace(/\.[^.]*$/, '')],
    'an all-zero one (CVE-2022-21449)': withSignature(() => Buffer.alloc(64)),
    'one of nothing but the order of the curve': withSignature(() =>
      Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551'.repeat(2), 'hex'),
    ),
    'one with a bit flipped': withSignature(s =>
      Buffer.from(s.map((byte, at) => (at === 40 ? byte ^ 1 : byte))),
    ),
    'one with something after it': withSignature(s => Buffer.concat([s, Buffer.alloc(1)])),
    'a DER-encoded one': ({ make }) => [
      make({ signer: es256(server.auth.parts.keys.current().privateKey, 'der') }),
    ],
    'that of a token which was accepted a moment ago': ({ header, make }) => {
      const [, claims, signature] = honest.split('.')
      const [, others] = make({ claims: { roles: ['admin'] } }).split('.')
      const padded = encode(`${JSON.stringify(header)} `)
      return [`${honest.split('.')[0]}.${others}.${signature}`, `${padded}.${claims}.${signature}`]
    },
    "another token's": ({ make }) => {
      const [header, , signature] = make().split('.')
      const [, claims] = make({ claims: { roles: ['admin'] } }).split('.')
      return [`${header}.${claims}.${signature}`]
    },
  })
})
