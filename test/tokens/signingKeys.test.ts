import { createPublicKey, randomBytes, randomUUID, verify } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { WrongSecretError } from '../../src/tokens/signingKeyRows.ts'
import { openSigningKeys } from '../../src/tokens/signingKeys.ts'
import { createDatabase, onPostgres } from '../support/database.ts'
import { openForge, refusal } from '../support/forge.ts'
import { startTestServer, type TestServer, useServer } from '../support/server.ts'
import { createLoggedDatabase } from '../support/statements.ts'

const onlyPostgres = onPostgres ? it : it.skip

const server = useServer()

const secretOf = ({ env }: TestServer) => Buffer.from(env.ANNUL_SECRET ?? '', 'base64')
const kidOf = (token: string) =>
  JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()).kid

/** The keys as a node reads them that starts now. */
const readAnew = (secret = secretOf(server)) => {
  const { db, clock, log } = server.auth.parts
  return openSigningKeys(db, secret, clock.now, log)
}

async function fetchKeys() {
  const response = await fetch(`${server.url}/.well-known/jwks.json`)
  return { response, keys: ((await response.json()) as { keys: Record<string, string>[] }).keys }
}

describe('the public keys', () => {
  it('verify what the server signs, elsewhere too', async () => {
    const { accessToken } = await server.signUp()
    const { keys } = await fetchKeys()
    const jwk = keys.find(({ kid }) => kid === kidOf(accessToken)) ?? {}
    const [header, claims, signature = ''] = accessToken.split('.')
    const key = { key: createPublicKey({ key: jwk, format: 'jwk' }), dsaEncoding: 'ieee-p1363' } as const
    const bytes = Buffer.from(signature, 'base64url')
    expect(verify('sha256', Buffer.from(`${header}.${claims}`), key, bytes)).toBe(true)
  })

  it('are published with no private member', async () => {
    const { response, keys } = await fetchKeys()
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toMatch(/^application\/jwk-set\+json/)
    expect(response.headers.get('cache-control')).toBe('public, max-age=30')
    expect(keys.length).toBeGreaterThan(0)
    for (const { kid, x, y, ...rest } of keys) {
      expect(rest).toEqual({ kty: 'EC', crv: 'P-256', alg: 'ES256', use: 'sig' })
      expect([kid, x, y]).toEqual([expect.any(String), expect.any(String), expect.any(String)])
    }
  })
})

describe('private keys', () => {
  it('are encrypted at rest', async () => {
    const [row] = await server.rows<{ hex: string; everything: string }>(
      sql`select encode(encrypted_private_key, 'hex') as hex, k::text as everything
        from annul.signing_keys k where id = ${server.auth.parts.keys.current().kid}`,
    )
    const { privateKey } = server.auth.parts.keys.current()
    const { d = '' } = privateKey.export({ format: 'jwk' })
    const scalar = Buffer.from(d, 'base64url')
    for (const encoding of ['hex', 'base64', 'base64url'] as const)
      expect(row?.everything.toLowerCase()).not.toContain(scalar.toString(encoding).toLowerCase())
    // 12 bytes nonce, 16 bytes tag, and not one byte less than the key.
    const der = privateKey.export({ format: 'der', type: 'pkcs8' })
    expect(row?.hex).toHaveLength(2 * (28 + der.length))
    expect(row?.hex).not.toContain(der.subarray(0, 16).toString('hex'))
  })

  it('open in no row but their own', async () => {
    const other = randomUUID()
    await server.rows(
      sql`insert into annul.signing_keys (id, public_jwk, encrypted_private_key, signs_from)
        select ${other}, public_jwk, encrypted_private_key, signs_from from annul.signing_keys limit 1`,
    )
    const keys = await readAnew()
    keys.close()
    expect(keys.find(other)).toBeUndefined()
    expect(keys.jwks().keys).toHaveLength(1)
    await server.rows(sql`delete from annul.signing_keys where id = ${other}`)
  })

  it('open under no other secret, and not when a byte was changed', async () => {
    await expect(readAnew(randomBytes(32))).rejects.toThrow(
      'ANNUL_SECRET is not the secret that the signing keys in this database were encrypted under.',
    )
    const flip = () =>
      server.rows(
        sql`update annul.signing_keys set encrypted_private_key =
          set_byte(encrypted_private_key, 40, get_byte(encrypted_private_key, 40) # 1)`,
      )
    await flip()
    await expect(readAnew()).rejects.toThrow(WrongSecretError)
    await flip()
    ;(await readAnew()).close()
  })
})

describe('a node', () => {
  it('does not start under the wrong secret, says so without telling it, and leaves the database as it was', async () => {
    const database = await createDatabase()
    const first = await startTestServer({ database })
    const kids = first.auth.parts.keys.jwks().keys.map(key => key.kid)
    await first.close()

    const wrong = randomBytes(32).toString('base64')
    const failure = await startTestServer({ database, env: { ANNUL_SECRET: wrong } }).catch(error => error)
    expect(failure).toBeInstanceOf(WrongSecretError)
    expect(failure.message).not.toContain(wrong)

    const again = await startTestServer({ database, env: first.env })
    expect(again.auth.parts.keys.jwks().keys.map(key => key.kid)).toEqual(kids)
    await again.close()
  })

  onlyPostgres('makes one key with the others that start at the same moment', async () => {
    const database = await createDatabase()
    const env = { ANNUL_SECRET: randomBytes(32).toString('base64') }
    const nodes = await Promise.all([1, 2, 3].map(() => startTestServer({ database, env })))
    const kids = nodes.flatMap(node => node.auth.parts.keys.jwks().keys.map(key => key.kid))
    expect(kids).toHaveLength(3)
    expect(new Set(kids).size).toBe(1)
    await Promise.all(nodes.map(node => node.close()))
  })

  onlyPostgres('reads the keys at most once a second, however many kids are invented', async () => {
    const database = await createLoggedDatabase()
    const node = await startTestServer({ database })
    const forge = openForge(node, (await node.signUp()).accessToken)
    await database.statements()

    let sent = 0
    const startedAt = performance.now()
    while (performance.now() - startedAt < 1500) {
      const tokens = Array.from({ length: 20 }, () => forge.make({ header: { kid: randomUUID() } }))
      const verdicts = await Promise.all(tokens.map(token => forge.present(token)))
      expect(verdicts).toEqual(tokens.map(() => refusal()))
      sent += tokens.length
    }
    const statements = await database.statements()
    const seconds = (performance.now() - startedAt) / 1000
    const reads = statements.filter(text => text.includes('"signing_keys"'))
    expect(sent).toBeGreaterThan(20)
    expect(reads.length).toBeGreaterThanOrEqual(1)
    // One more for the reading of every 20 s.
    expect(reads.length).toBeLessThanOrEqual(Math.ceil(seconds) + 1)
    // And nothing else is asked about a token that nobody signed.
    expect(statements.filter(text => !reads.includes(text))).toEqual([])
    await node.close()
    await database.close()
  })
})
