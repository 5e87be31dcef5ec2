import { generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { rotateSigningKeys } from '../../src/tokens/rotateSigningKeys.ts'
import { WrongSecretError } from '../../src/tokens/signingKeyRows.ts'
import { es256, type Forge, openForge, refusal } from '../support/forge.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { until } from '../support/until.ts'

/* An attacker who can write to signing_keys, but does not know the secret, and has a key pair. */

let server: TestServer
let told: Record<string, unknown>[]
let forge: Forge
let honest: string
let honestKid: string
let attacker: { privateKey: KeyObject; publicKey: KeyObject }

const start = (options: Parameters<typeof startTestServer>[0] = {}) =>
  startTestServer({ ...options, onLogLine: line => told.push(JSON.parse(line)) })

beforeEach(async () => {
  told = []
  server = await start()
  honest = (await server.signUp()).accessToken
  forge = openForge(server, honest)
  honestKid = server.auth.parts.keys.current().kid
  attacker = generateKeyPairSync('ec', { namedCurve: 'P-256' })
})
afterEach(() => server.close())

/** A token for the honest user's session, signed by the attacker. */
function forgedToken(kid: string): string {
  return forge.make({ header: { kid }, signer: es256(attacker.privateKey) })
}

/** The attacker's public half, as a row holds it. */
function attackersJwk(): string {
  const { kty, crv, x, y } = attacker.publicKey.export({ format: 'jwk' })
  return JSON.stringify({ kty, crv, x, y })
}

/** Puts a row beside the honest one, newer than that. @returns its key id */
async function insertRow(encrypted: 'copied' | 'garbage' | 'empty'): Promise<string> {
  const kid = randomUUID()
  const half = {
    copied: sql`encrypted_private_key`,
    garbage: sql`sha512(encrypted_private_key)`,
    empty: sql`''::bytea`,
  }[encrypted]
  await server.rows(sql`
    insert into annul.signing_keys (id, public_jwk, encrypted_private_key, signs_from)
    select ${kid}, ${attackersJwk()}::jsonb, ${half}, now() - interval '1 second'
    from annul.signing_keys where id = ${honestKid}`)
  return kid
}

const refusals = () => told.filter(({ msg }) => msg === 'A signing key in the database is refused.')

/** Makes the node read its keys again, and waits until it has. */
const reread = () =>
  until(async () => {
    await forge.present(forgedToken(randomUUID()))
    return refusals().length > 0
  })

async function publishedKids(node: TestServer): Promise<string[]> {
  const { keys } = (await fetch(`${node.url}/.well-known/jwks.json`).then(answer => answer.json())) as {
    keys: { kid: string }[]
  }
  return keys.map(({ kid }) => kid)
}

/** On PostgreSQL a second node; the embedded database serves one, which starts again. */
async function startFreshly(): Promise<TestServer> {
  await server.close()
  server = await start({ database: server.database, env: server.env })
  return server
}

describe.each(['copied', 'garbage', 'empty'] as const)('a forged row whose private half is %s', encrypted => {
  it('verifies nothing on a running node, is never published, and is told of once', async () => {
    const kid = await insertRow(encrypted)
    const token = forgedToken(kid)
    await reread()
    expect(await forge.present(token)).toEqual(refusal())
    expect(await publishedKids(server)).toEqual([honestKid])

    const { keys } = server.auth.parts
    for (let times = 0; times < 2; times++) {
      await new Promise(resolve => setTimeout(resolve, 1010))
      await keys.reload()
    }
    expect(refusals()).toMatchObject([{ level: 50, kid, why: 'the private half can not be decrypted' }])
    // What is honest goes on.
    expect(await forge.present(honest)).toEqual(forge.accepted)
    expect(keys.current().kid).toBe(honestKid)
  })

  it('verifies nothing on a node that starts with it, which signs with the honest key', async () => {
    const kid = await insertRow(encrypted)
    const node = await startFreshly()
    forge = { ...openForge(node, honest), make: forge.make }
    expect(await forge.present(forgedToken(kid))).toEqual(refusal())
    expect(await publishedKids(node)).toEqual([honestKid])
    expect(node.auth.parts.keys.current().kid).toBe(honestKid)
    expect(refusals()).toMatchObject([{ level: 50, kid }])
    expect(await forge.present(honest)).toEqual(forge.accepted)
  })
})

describe('an honest row whose public half was replaced', () => {
  it('verifies no forgery on a running node, nor on one that starts, and is told of', async () => {
    const secret = Buffer.from(server.env.ANNUL_SECRET ?? '', 'base64')
    const kid = await server.auth.parts.db.transaction(tx => rotateSigningKeys(tx, secret))
    if (kid === undefined) throw new Error('No key was made.')
    await server.rows(
      sql`update annul.signing_keys set public_jwk = ${attackersJwk()}::jsonb where id = ${kid}`,
    )
    await reread()
    expect(await forge.present(forgedToken(kid))).toEqual(refusal())
    expect(await publishedKids(server)).toEqual([honestKid])
    expect(refusals()).toMatchObject([
      { level: 50, kid, why: 'the public half is not that of the private one' },
    ])

    const node = await startFreshly()
    forge = { ...openForge(node, honest), make: forge.make }
    expect(await forge.present(forgedToken(kid))).toEqual(refusal())
    expect(await publishedKids(node)).toEqual([honestKid])
  })

  it('takes no honest key from a running node when it is the only row', async () => {
    for (const jwk of [attackersJwk(), '{}', '[]', 'null', '{"kty":"oct","k":"AAAA"}']) {
      await server.rows(sql`update annul.signing_keys set public_jwk = ${jwk}::jsonb`)
      told.length = 0
      await new Promise(resolve => setTimeout(resolve, 1010))
      await expect(server.auth.parts.keys.reload()).rejects.toThrow(
        'No signing key in the database is one that Annul made.',
      )
      expect(await forge.present(forgedToken(honestKid))).toEqual(refusal())
      expect(await forge.present(honest)).toEqual(forge.accepted)
    }
  })
})

describe('rotate-keys', () => {
  it('changes nothing under a secret that opens none of the keys', async () => {
    const { db } = server.auth.parts
    const before = await server.rows(sql`select * from annul.signing_keys`)
    await expect(db.transaction(tx => rotateSigningKeys(tx, Buffer.from(randomUUID())))).rejects.toThrow(
      WrongSecretError,
    )
    expect(await server.rows(sql`select * from annul.signing_keys`)).toEqual(before)
  })
})
