import { createPublicKey, generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { signingAlgorithms } from '../../src/tokens/keySet.ts'
import {
  checkSecret,
  encryptionKeys,
  expiredSigningKeys,
  insertSigningKey,
  readSigningKeys,
  reencryptSigningKeys,
  WrongSecretError,
} from '../../src/tokens/signingKeyRows.ts'
import { useServer } from '../support/server.ts'

/* Signing keys as the database holds them. The keys of the server itself are not looked at. */

const server = useServer()
const secret = randomBytes(32)
const former = randomBytes(32)
const encryption = encryptionKeys(secret, undefined)
const db = () => server.auth.parts.db

beforeEach(() => server.rows(sql`delete from annul.signing_keys`))

const insert = (algorithm: (typeof signingAlgorithms)[number] = 'ES256', announce = 0, keys = encryption) =>
  db().transaction(tx => insertSigningKey(tx, keys, algorithm, announce))
const read = (keys = encryption) => readSigningKeys(db(), keys)
const kidsOf = async (keys = encryption) => (await read(keys)).keys.map(({ kid }) => kid)
const set = (kid: string, change: ReturnType<typeof sql>) =>
  server.rows(sql`update annul.signing_keys set ${change} where id = ${kid}`)

describe('a signing key', () => {
  it.each(signingAlgorithms)(
    'for %s is stored with its public half, and read as it was made',
    async algorithm => {
      const kid = await insert(algorithm)
      const [row] = await server.rows<{ public_jwk: Record<string, string>; algorithm: string }>(
        sql`select public_jwk, algorithm from annul.signing_keys`,
      )
      const text = expect.any(String)
      const half =
        algorithm === 'ES256'
          ? { kty: 'EC', crv: 'P-256', x: text, y: text }
          : { kty: 'RSA', n: text, e: 'AQAB' }
      expect(row).toEqual({ algorithm, public_jwk: half })

      const { keys, refused, revoked, time } = await read()
      expect([refused, revoked]).toEqual([[], new Set()])
      const [key] = keys
      expect(keys).toHaveLength(1)
      expect(key).toMatchObject({
        kid,
        algorithm,
        jwk: { ...row?.public_jwk, kid, alg: algorithm, use: 'sig' },
        retiredAt: undefined,
        isOutdated: false,
      })
      expect(Object.keys(key?.jwk ?? {}).sort()).toEqual([...Object.keys(half), 'kid', 'alg', 'use'].sort())
      expect(key?.publicKey.equals(createPublicKey({ key: row?.public_jwk ?? {}, format: 'jwk' }))).toBe(true)
      expect(key && createPublicKey(key.privateKey).equals(key.publicKey)).toBe(true)
      expect(key?.signsFrom).toBeLessThanOrEqual(time)
      expect(key?.signsFrom).toBeGreaterThan(time - 60)
    },
  )

  it('that is announced signs later, by the database’s time', async () => {
    await insert('ES256', 3600)
    const { keys, time } = await read()
    expect(Math.abs((keys[0]?.signsFrom ?? 0) - time - 3600)).toBeLessThan(60)
    expect(Math.abs(time - Date.now() / 1000)).toBeLessThan(60)
  })

  it('stands before those that sign from an earlier time', async () => {
    const kids = [await insert('ES256', -100), await insert('ES256', 100), await insert('ES256', -50)]
    expect(await kidsOf()).toEqual([kids[1], kids[2], kids[0]])
    await server.rows(sql`update annul.signing_keys set signs_from = now()`)
    expect(await kidsOf()).toEqual([...kids].sort().reverse())
  })

  it('that retired is read for as long as its tokens may live, and 2 minutes more', async () => {
    const [kid, other] = [await insert(), await insert()]
    for (const [seconds, isRead] of [
      [-60, true],
      [3710, true],
      [3730, false],
    ] as const) {
      await set(kid, sql`retired_at = now() - make_interval(secs => ${seconds})`)
      const { keys, time } = await read()
      expect([seconds, keys.some(key => key.kid === kid)]).toEqual([seconds, isRead])
      const retiredAt = keys.find(key => key.kid === kid)?.retiredAt
      if (isRead) expect(Math.abs((retiredAt ?? 0) - (time - seconds))).toBeLessThan(60)
      expect(keys.find(key => key.kid === other)?.retiredAt).toBeUndefined()
    }
  })

  it('that was revoked is known by its id for ever, and is none of the keys', async () => {
    const [kid, old, unreadable, other] = [await insert(), await insert(), await insert(), await insert()]
    await set(kid, sql`revoked_at = now()`)
    await set(old, sql`revoked_at = now() - interval '1 year', retired_at = now() - interval '1 year'`)
    await set(unreadable, sql`revoked_at = now(), encrypted_private_key = ''::bytea`)
    const found = await read()
    expect(found.revoked).toEqual(new Set([kid, old, unreadable]))
    expect([found.keys.map(key => key.kid), found.refused]).toEqual([[other], []])
    // No secret opens what is not there: that the secret is the right one shows in the others.
    await server.rows(sql`delete from annul.signing_keys where id = ${other}`)
    expect((await read()).keys).toEqual([])
  })

  it('is none where there is no row', async () => {
    expect(await read()).toEqual({ keys: [], refused: [], revoked: new Set(), time: 0 })
  })
})

describe('a row', () => {
  it.each<[string, ReturnType<typeof sql>, string]>([
    [
      'whose private half was changed',
      sql`encrypted_private_key = ''::bytea`,
      'the private half can not be decrypted',
    ],
    ['of another algorithm', sql`algorithm = 'PS256'`, 'the private half can not be decrypted'],
    ['of no algorithm', sql`algorithm = 'none'`, 'the algorithm is not one of Annul’s'],
    ['whose public half is none', sql`public_jwk = '{}'`, 'the public half is not that of the private one'],
    [
      'whose public half is another one',
      sql`public_jwk = ${JSON.stringify(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' }))}::jsonb`,
      'the public half is not that of the private one',
    ],
  ])('%s is no key, and the reason is told', async (_, change, why) => {
    const [kid, other] = [await insert(), await insert()]
    await set(kid, change)
    const found = await read()
    expect(found.keys.map(key => key.kid)).toEqual([other])
    expect(found.refused).toEqual([{ kid, why }])
    // Where it is the only one, the secret is to blame only for what it does not decrypt.
    await server.rows(sql`delete from annul.signing_keys where id = ${other}`)
    if (why.includes('decrypted')) await expect(read()).rejects.toThrow(WrongSecretError)
    else expect(await read()).toMatchObject({ keys: [], refused: [{ kid, why }] })
  })

  it('of another secret is no key, and a secret that opens none of them is the wrong one', async () => {
    const message =
      'ANNUL_SECRET is not the secret that the signing keys in this database were encrypted under.'
    await insert()
    await expect(checkSecret(db(), secret, undefined)).resolves.toBeUndefined()
    await expect(checkSecret(db(), former, undefined)).rejects.toThrow(new WrongSecretError())
    await expect(checkSecret(db(), former, secret)).resolves.toBeUndefined()
    await expect(read(encryptionKeys(former, undefined))).rejects.toMatchObject({
      name: 'WrongSecretError',
      message,
    })
  })
})

it('The key that encrypts private halves stays the same: an update still reads what is stored', () => {
  const [key] = encryptionKeys(Buffer.alloc(32, 'a secret of 32 bytes in a test. '), undefined)
  expect(key.toString('hex')).toBe('596ce0b480a1168136319276de46b349f713b74765f805d089d96cc250a606bc')
})

describe('keys of the previous secret', () => {
  const both = encryptionKeys(secret, former)

  it('are keys, and are encrypted under the present one, which alone opens them from then on', async () => {
    const kids = [
      await insert('ES256', -2, encryptionKeys(former, undefined)),
      await insert('RS256', -1, encryptionKeys(former, undefined)),
      await insert(),
    ]
    const outdated = async () => (await read(both)).keys.map(key => [key.kid, key.isOutdated])
    expect(await outdated()).toEqual([
      [kids[2], false],
      [kids[1], true],
      [kids[0], true],
    ])
    expect(await kidsOf()).toEqual([kids[2]])
    expect(await db().transaction(tx => reencryptSigningKeys(tx, both))).toBe(2)
    expect((await outdated()).map(([, isOutdated]) => isOutdated)).toEqual([false, false, false])
    expect(await kidsOf()).toEqual([kids[2], kids[1], kids[0]])
    expect(await db().transaction(tx => reencryptSigningKeys(tx, both))).toBe(0)
  })
})

describe('housekeeping', () => {
  it('removes keys that verify nothing any more, the oldest first, and no revoked ones', async () => {
    const retired = async (seconds: number) => {
      const kid = await insert()
      await set(kid, sql`retired_at = now() - make_interval(secs => ${seconds})`)
      return kid
    }
    const live = await insert()
    const [recent, old, older, revoked] = [
      await retired(7400),
      await retired(7460),
      await retired(9000),
      await retired(9000),
    ]
    await set(revoked, sql`revoked_at = now()`)
    const left = async () =>
      (await server.rows<{ id: string }>(sql`select id from annul.signing_keys`)).map(({ id }) => id).sort()
    expect(await server.rows(expiredSigningKeys(1))).toHaveLength(1)
    expect(await left()).toEqual([live, recent, old, revoked].sort())
    expect(older).not.toBe(old)
    expect(await server.rows(expiredSigningKeys(10))).toHaveLength(1)
    expect(await left()).toEqual([live, recent, revoked].sort())
    expect(await server.rows(expiredSigningKeys(10))).toEqual([])
  })
})

it('An id of a key is a UUID of its own', async () => {
  const kid = await insert()
  expect(kid).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
  expect([await insert(), randomUUID()]).not.toContain(kid)
})
