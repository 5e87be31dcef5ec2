import { constants, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { accessTokens } from '../../src/tokens/accessToken.ts'
import { type SigningAlgorithm, signingAlgorithms } from '../../src/tokens/keySet.ts'
import { openSigningKeys, type SigningKeys } from '../../src/tokens/signingKeys.ts'
import { encode, es256, type Forge, hmac, openForge, refuses, type Signer } from '../support/forge.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }
const signers: Record<SigningAlgorithm, (key: KeyObject) => Signer> = {
  ES256: key => es256(key),
  RS256: key => input => sign('sha256', Buffer.from(input), key),
  PS256: key => input => sign('sha256', Buffer.from(input), { key, ...pss }),
}

describe.each(signingAlgorithms)('a server that signs by %s', algorithm => {
  let server: TestServer
  let forge: Forge
  beforeAll(async () => {
    server = await startTestServer({ env: { ANNUL_SIGNING_ALGORITHM: algorithm } })
    forge = openForge(server, (await server.signUp()).accessToken)
  })
  afterAll(() => server.close())

  const privateKey = () => server.auth.parts.keys.current().privateKey
  const honest = () => forge.make({ signer: signers[algorithm](privateKey()) })

  it('accepts what its key has signed, and names the algorithm in the header', async () => {
    expect(forge.header).toEqual({ alg: algorithm, typ: 'at+jwt', kid: expect.any(String) })
    expect(await forge.present(honest())).toEqual(forge.accepted)
  })

  it('publishes the key so that others verify by it, and nothing private', async () => {
    const { keys } = (await fetch(`${server.url}/.well-known/jwks.json`).then(answer => answer.json())) as {
      keys: Record<string, string>[]
    }
    const text = expect.any(String)
    const members =
      algorithm === 'ES256'
        ? { kty: 'EC', crv: 'P-256', x: text, y: text }
        : { kty: 'RSA', n: text, e: 'AQAB' }
    expect(keys).toEqual([{ ...members, alg: algorithm, use: 'sig', kid: text }])
    const key = createPublicKey({ key: keys[0] ?? {}, format: 'jwk' })
    if (algorithm !== 'ES256') expect(key.asymmetricKeyDetails?.modulusLength).toBe(2048)
    const [header, claims, signature = ''] = honest().split('.')
    const options =
      algorithm === 'ES256' ? { dsaEncoding: 'ieee-p1363' as const } : algorithm === 'PS256' ? pss : {}
    const input = Buffer.from(`${header}.${claims}`)
    expect(verify('sha256', input, { key, ...options }, Buffer.from(signature, 'base64url'))).toBe(true)
  })

  const others = signingAlgorithms.filter(other => other !== algorithm)
  const own = generateKeyPairSync('rsa', { modulusLength: 2048 })
  refuses<Forge>(() => forge, {
    // The key itself has signed these, wherever it can: only the algorithm is another one.
    'another algorithm’s name over the key’s own signature': ({ make }) =>
      [...others, 'HS256', 'none', 'RS512', 'ES384', algorithm.toLowerCase(), [algorithm], null].map(alg =>
        make({ header: { alg }, signer: signers[algorithm](privateKey()) }),
      ),
    'another algorithm of the same key': ({ make }) =>
      algorithm === 'ES256'
        ? [make({ signer: es256(privateKey(), 'der') })]
        : (['RS256', 'PS256'] as const)
            .filter(other => other !== algorithm)
            .flatMap(other => [
              make({ header: { alg: other }, signer: signers[other](privateKey()) }),
              make({ header: { alg: algorithm }, signer: signers[other](privateKey()) }),
            ]),
    'an HMAC with the public key as the secret, in every spelling': ({ make, publicKey }) => {
      const secrets = [
        publicKey.export({ format: 'pem', type: 'spki' }),
        publicKey.export({ format: 'der', type: 'spki' }),
        JSON.stringify(publicKey.export({ format: 'jwk' })),
        ...(algorithm === 'ES256' ? [] : [publicKey.export({ format: 'pem', type: 'pkcs1' })]),
      ]
      return secrets.flatMap(secret =>
        ['HS256', algorithm].map(alg => make({ header: { alg }, signer: hmac('sha256', secret) })),
      )
    },
    'no signature': ({ make, header, claims }) => [
      ...['none', 'None', 'NONE'].map(alg => make({ header: { alg }, signer: () => Buffer.alloc(0) })),
      `${encode(JSON.stringify({ ...header, alg: 'none' }))}.${encode(JSON.stringify(claims))}.`,
      make({ signer: () => Buffer.alloc(algorithm === 'ES256' ? 64 : 256) }),
      make({ signer: () => Buffer.alloc(algorithm === 'ES256' ? 64 : 256, 255) }),
    ],
    'a stranger’s key under this key id': ({ make }) => [
      make({ signer: signers.RS256(own.privateKey) }),
      make({ signer: signers.PS256(own.privateKey) }),
      make({ signer: es256(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey) }),
    ],
  })
})

describe('keys of several algorithms', () => {
  let server: TestServer
  const opened: SigningKeys[] = []
  beforeAll(async () => {
    server = await startTestServer({ env: { ANNUL_SIGNING_ALGORITHM: 'RS256' } })
  })
  afterAll(async () => {
    for (const keys of opened) keys.close()
    await server.close()
  })
  const secret = () => Buffer.from(server.env.ANNUL_SECRET ?? '', 'base64')
  const told: unknown[] = []
  const open = async () => {
    const { db, clock } = server.auth.parts
    const log = { ...server.auth.parts.log, error: (...line: unknown[]) => void told.push(line) }
    const keys = await openSigningKeys(db, secret(), clock.now, log)
    opened.push(keys)
    return keys
  }

  it('can not be moved to another algorithm by whoever writes to the table', async () => {
    const { kid } = server.auth.parts.keys.current()
    for (const algorithm of ['PS256', 'ES256', 'HS256', 'none']) {
      await server.rows(sql`update annul.signing_keys set algorithm = ${algorithm}`)
      await expect(open()).rejects.toThrow(/signing key/)
    }
    await server.rows(sql`update annul.signing_keys set algorithm = 'RS256'`)
    expect((await open()).current().kid).toBe(kid)
  })

  it('sign the longest token that the settings and the limits of roles, scopes and claims allow', async () => {
    const id = '00000000-0000-4000-8000-000000000000'
    const keys = await open()
    const name = 'x'.repeat(255)
    const tokens = accessTokens({ keys, issuer: name, audience: name, now: () => 1_800_000_000 })
    const grant = {
      ...{ sub: id, sid: id, ver: 2 ** 31, epoch: 2 ** 40, auth_time: 1_800_000_000 },
      ...{ iat: 1_800_000_000, exp: 1_800_003_600, cnf: { binding: 'x'.repeat(43) } },
      // 2,000 characters of roles and scopes as admin/setUserAccess.ts counts them, and 1,000 of the app's claims.
      roles: ['r'.repeat(495)],
      mfa_roles: ['m'.repeat(497)],
      // More than any token has: with a second factor no role is withheld.
      amr: ['pwd', 'otp', 'swk', 'hwk', 'user', 'mfa'],
      scope: 's'.repeat(995),
    }
    const token = tokens.sign(grant, { own: 'c'.repeat(990) })
    expect(token.length).toBeLessThanOrEqual(6144)
    expect(tokens.verify(token)).toMatchObject({ sub: id })
  })
})
