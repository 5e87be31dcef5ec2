import { randomBytes, randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { RevocationView } from '../../src/revocation/view.ts'
import { RevokeKeyError, revokeSigningKey, signerAmong } from '../../src/tokens/revokeSigningKey.ts'
import { newestOf, type RotateOptions, rotateSigningKeys } from '../../src/tokens/rotateSigningKeys.ts'
import {
  encryptionKeys,
  lockSigningKeys,
  readSigningKeys,
  reencryptSigningKeys,
  type StoredKey,
  WrongSecretError,
} from '../../src/tokens/signingKeyRows.ts'
import { openSigningKeys, type SigningKeys, type SigningKeysOptions } from '../../src/tokens/signingKeys.ts'
import { onPostgres } from '../support/database.ts'
import { useServer } from '../support/server.ts'
import { until } from '../support/until.ts'

/* How signing keys follow each other, and how a node keeps up with them. */

const server = useServer()
const secret = randomBytes(32)
const former = randomBytes(32)
const db = () => server.auth.parts.db
const now = () => server.auth.parts.clock.now()
const onlyPostgres = onPostgres ? it : it.skip

beforeEach(() => server.rows(sql`delete from annul.signing_keys`))

const rotate = (options?: RotateOptions, of = secret) =>
  db().transaction(tx => rotateSigningKeys(tx, of, options))
const revoke = (wanted?: string, algorithm: 'ES256' | 'RS256' = 'ES256') =>
  db().transaction(tx => revokeSigningKey(tx, secret, undefined, algorithm, wanted))
const read = async () => (await readSigningKeys(db(), encryptionKeys(secret, undefined))).keys
const set = (kid: string | undefined, change: ReturnType<typeof sql>) =>
  server.rows(sql`update annul.signing_keys set ${change} where id = ${kid}`)
/** Makes a key that signs already. */
async function makeSigner(seconds = 3600): Promise<string> {
  const kid = await rotate()
  if (kid === undefined) throw new Error('No key was made.')
  await set(kid, sql`signs_from = now() - make_interval(secs => ${seconds})`)
  return kid
}
/** What became of a key: seconds from now. */
async function timesOf(kid: string | undefined) {
  const [row] = await server.rows<{ signs: number; retired: number | null; revoked: number | null }>(sql`
    select round(extract(epoch from signs_from - now()))::int as signs,
      round(extract(epoch from retired_at - now()))::int as retired,
      round(extract(epoch from revoked_at - now()))::int as revoked
    from annul.signing_keys where id = ${kid}`)
  return row
}
const about = (seconds: number) => ({
  asymmetricMatch: (value: unknown) => typeof value === 'number' && Math.abs(value - seconds) <= 20,
})

describe('a rotation', () => {
  it('announces a key for a minute, and the others retire when it signs', async () => {
    const first = await makeSigner()
    const kid = await rotate({ algorithm: 'RS256' })
    expect(await timesOf(kid)).toEqual({ signs: about(60), retired: null, revoked: null })
    expect(await timesOf(first)).toEqual({ signs: about(-3600), retired: about(60), revoked: null })
    expect((await read()).map(key => [key.kid, key.algorithm])).toEqual([
      [kid, 'RS256'],
      [first, 'ES256'],
    ])
  })

  it('does not move the end of what has retired already', async () => {
    const first = await makeSigner()
    await set(first, sql`retired_at = now() - interval '30 minutes'`)
    await rotate()
    expect((await timesOf(first))?.retired).toEqual(about(-1800))
  })

  it('asks under the lock whether the newest key is due, of those that have not retired', async () => {
    const first = await makeSigner()
    const second = await makeSigner(10)
    const asked: unknown[] = []
    const isDue = (newest: StoredKey | undefined, time: number) => {
      asked.push([newest?.kid, Math.abs(time - now()) < 60])
      return false
    }
    expect(await rotate({ isDue })).toBeUndefined()
    await set(second, sql`retired_at = now() + interval '1 minute'`)
    await set(first, sql`retired_at = null`)
    expect(await rotate({ isDue })).toBeUndefined()
    await set(first, sql`retired_at = now()`)
    expect(await rotate({ isDue })).toBeUndefined()
    expect(asked).toEqual([
      [second, true],
      [first, true],
      [undefined, true],
    ])
    expect(await read()).toHaveLength(2)
  })

  onlyPostgres('is made once by nodes that find one key due at the same moment', async () => {
    const first = await makeSigner()
    const isDue = (newest: StoredKey | undefined) => newest?.kid === first
    const made = await Promise.all([1, 2, 3, 4].map(() => rotate({ isDue })))
    expect(made.filter(kid => kid !== undefined)).toHaveLength(1)
    expect(await read()).toHaveLength(2)
  })

  it('changes nothing under the wrong secret, and works under the previous one', async () => {
    const first = await makeSigner()
    await expect(rotate({}, former)).rejects.toThrow(WrongSecretError)
    expect(await timesOf(first)).toMatchObject({ retired: null })
    expect(await rotate({ previous: secret }, former)).toEqual(expect.any(String))
  })

  it('of keys that have all retired knows no newest one', () => {
    expect(newestOf([])).toBeUndefined()
  })
})

describe('a revocation', () => {
  it('of the key that signs makes another one, which signs at once', async () => {
    const first = await makeSigner()
    const revoked = await revoke(undefined, 'RS256')
    expect(revoked).toEqual({ kid: first, signer: expect.any(String) })
    expect(await timesOf(first)).toEqual({ signs: about(-3600), retired: about(0), revoked: about(0) })
    expect(await timesOf(revoked.signer)).toEqual({ signs: about(0), retired: null, revoked: null })
    expect(await read()).toMatchObject([{ kid: revoked.signer, algorithm: 'RS256' }])
  })

  it('of an announced key, and of a signing one while another is announced, leaves one that signs', async () => {
    for (const which of ['announced', 'signing']) {
      await server.rows(sql`delete from annul.signing_keys`)
      const signing = await makeSigner()
      const announced = await rotate()
      const kid = which === 'announced' ? announced : signing
      const { signer } = await revoke(kid)
      expect([signing, announced]).not.toContain(signer)
      for (const each of [signing, announced])
        expect(await timesOf(each)).toMatchObject({
          retired: about(0),
          revoked: each === kid ? about(0) : null,
        })
      expect((await timesOf(signer))?.signs).toEqual(about(0))
    }
  })

  it('of a key that has stopped signing makes none, and moves nothing', async () => {
    const first = await makeSigner()
    const second = await makeSigner(10)
    await set(first, sql`retired_at = now() - interval '10 minutes'`)
    expect(await revoke(first)).toEqual({ kid: first, signer: second })
    expect(await timesOf(first)).toMatchObject({ retired: about(-600), revoked: about(0) })
    expect(await timesOf(second)).toMatchObject({ retired: null, revoked: null })
    expect(await read()).toHaveLength(1)
  })

  it('of the only key makes another one, though that has retired', async () => {
    const first = await makeSigner()
    await set(first, sql`retired_at = now() - interval '10 minutes'`)
    // A retired key signs where there is no other.
    const { signer } = await revoke()
    expect(signer).toBe(first)
    await server.rows(sql`update annul.signing_keys set revoked_at = null`)
    await server.rows(sql`delete from annul.signing_keys`)
    await expect(revoke()).rejects.toThrow(
      new RevokeKeyError('There is no signing key that could be revoked.'),
    )
    const kid = randomUUID()
    await server.rows(sql`insert into annul.signing_keys
      (id, public_jwk, encrypted_private_key, signs_from, retired_at, revoked_at)
      values (${kid}, '{}', ''::bytea, now(), now(), now())`)
    await expect(revoke(kid)).rejects.toThrow(
      new RevokeKeyError(`The signing key ${kid} was revoked already.`),
    )
  })

  it('of a key that verifies nothing any more makes a key where no other is known', async () => {
    const old = await makeSigner()
    await set(old, sql`retired_at = now() - interval '2 hours'`)
    const { kid, signer } = await revoke(old)
    expect(kid).toBe(old)
    expect((await read()).map(key => key.kid)).toEqual([signer])
  })

  it('of a key that is not there, or whose name is none of Annul’s, changes nothing', async () => {
    const first = await makeSigner()
    const named = [`x${first}`, `${first}0`]
    await server.rows(sql`insert into annul.signing_keys (id, public_jwk, encrypted_private_key, signs_from)
      select n, public_jwk, encrypted_private_key, signs_from
      from annul.signing_keys, unnest(${`{${named.join()}}`}::text::text[]) n`)
    for (const wanted of [randomUUID(), '', '"', ...named, first.toUpperCase()]) {
      const failure = await revoke(wanted).catch(error => error)
      expect(failure).toBeInstanceOf(RevokeKeyError)
      expect([failure.name, failure.message]).toEqual([
        'RevokeKeyError',
        `There is no signing key ${JSON.stringify(wanted)}.`,
      ])
    }
    expect(await timesOf(first)).toMatchObject({ retired: null, revoked: null })
  })

  onlyPostgres('takes turns with others: one key is revoked once', async () => {
    const first = await makeSigner()
    const outcomes = await Promise.allSettled([1, 2, 3].map(() => revoke(first)))
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(await read()).toHaveLength(1)
  })
})

describe('the key that signs', () => {
  const key = (kid: string, signsFrom: number, retiredAt?: number) =>
    ({ kid, signsFrom, retiredAt }) as unknown as StoredKey

  it.each<[string, StoredKey[], string | undefined]>([
    ['none of none', [], undefined],
    ['the only one', [key('a', 50)], 'a'],
    ['the newest whose time has come', [key('c', 101), key('b', 100), key('a', 50)], 'b'],
    ['the first to come where no time has', [key('b', 102), key('a', 101)], 'a'],
    ['not one that has retired', [key('b', 60, 100), key('a', 50)], 'a'],
    ['one that retires later', [key('b', 60, 101), key('a', 50)], 'b'],
    ['an announced one rather than one that has retired', [key('b', 150), key('a', 50, 90)], 'b'],
    ['the newest where all have retired', [key('b', 60, 99), key('a', 50, 90)], 'b'],
  ])('is %s', (_, keys, signer) => {
    expect(signerAmong(keys, 100)?.kid).toBe(signer)
  })
})

describe('the keys of a node', () => {
  const opened: SigningKeys[] = []
  let told: unknown[][] = []
  let noted: unknown[][] = []
  const open = async (options?: SigningKeysOptions, of = secret) => {
    const log = {
      info: (...line: unknown[]) => void noted.push(line),
      warn: () => {},
      error: (...line: unknown[]) => void told.push(line),
    }
    const keys = await openSigningKeys(db(), of, now, log, options)
    opened.push(keys)
    return keys
  }
  /** Intervals that are opened meanwhile, which the test lets pass. */
  async function withIntervals(work: (pass: () => void, ms: () => number | undefined) => Promise<void>) {
    const { setInterval: real } = globalThis
    let tick = () => {}
    let every: number | undefined
    globalThis.setInterval = ((run: () => void, ms: number) => {
      if (ms === 20_000) {
        tick = run
        every = ms
      }
      return real(run, ms)
    }) as typeof real
    try {
      await work(
        () => tick(),
        () => every,
      )
    } finally {
      globalThis.setInterval = real
    }
  }
  beforeEach(() => {
    told = []
    noted = []
  })
  afterEach(() => {
    for (const keys of opened.splice(0)) keys.close()
  })

  it('are one at first, of the algorithm that is asked for', async () => {
    const keys = await open({ algorithm: 'RS256' })
    const { kid, algorithm, privateKey } = keys.current()
    expect([algorithm, privateKey.type]).toEqual(['RS256', 'private'])
    expect(keys.jwks()).toEqual({ keys: [expect.objectContaining({ kid, alg: 'RS256' })] })
    expect(keys.find(kid)?.kid).toBe(kid)
    expect(keys.find(randomUUID())).toBeUndefined()
    expect(keys.awaitCurrent()).toBeUndefined()
    expect(keys.isRevoked(kid)).toBe(false)
    // The next node finds it.
    expect((await open()).current().kid).toBe(kid)
    await server.rows(sql`delete from annul.signing_keys`)
    expect((await open()).current().algorithm).toBe('ES256')
  })

  it('are made anew where all have retired', async () => {
    const first = await makeSigner()
    await set(first, sql`retired_at = now() - interval '1 minute'`)
    const keys = await open()
    expect(keys.current().kid).not.toBe(first)
    expect(keys.find(first)?.kid).toBe(first)
  })

  it('are read every 20 s, and whoever listens hears of a change once', async () => {
    await withIntervals(async (pass, ms) => {
      const keys = await open()
      expect(ms()).toBe(20_000)
      const heard: number[] = []
      const stop = keys.subscribe(() => heard.push(keys.jwks().keys.length))
      const { version } = keys
      pass()
      await keys.reload()
      expect([heard, keys.version]).toEqual([[], version])
      await rotate()
      pass()
      await until(() => heard.length > 0)
      expect([heard, keys.version]).toEqual([[2], version + 1])
      pass()
      await keys.reload()
      expect(heard).toEqual([2])
      stop()
      await rotate()
      pass()
      await keys.reload()
      expect([heard, keys.version, keys.jwks().keys.length]).toEqual([[2], version + 2, 3])
      // A failure of the reading ends nothing.
      await server.rows(sql`delete from annul.signing_keys`)
      pass()
      await expect(keys.reload()).rejects.toThrow('No signing key in the database is one that Annul made.')
      expect(keys.jwks().keys).toHaveLength(3)
    })
  })

  it('are read at most once a second for all who ask, and a failure is told to all of them', async () => {
    const keys = await open()
    const first = keys.current().kid
    const next = await rotate()
    await keys.reload()
    expect(keys.find(next ?? '')).toBeUndefined()
    await delay(1010)
    const [one, other] = [keys.reload(), keys.reload()]
    expect(one).toBe(other)
    await one
    expect(keys.find(next ?? '')?.kid).toBe(next)
    await keys.reload()

    await server.rows(sql`delete from annul.signing_keys where id = ${next}`)
    await server.rows(sql`update annul.signing_keys set public_jwk = '{}'`)
    await delay(1010)
    const message = 'No signing key in the database is one that Annul made.'
    await expect(keys.reload()).rejects.toThrow(message)
    // While the database says nothing, no caller may conclude that a key does not exist.
    await expect(keys.reload()).rejects.toThrow(message)
    expect(keys.find(first)?.kid).toBe(first)
    expect(told).toEqual([
      [
        { kid: first, why: 'the public half is not that of the private one' },
        'A signing key in the database is refused.',
      ],
    ])
    await server.rows(sql`delete from annul.signing_keys`)
    const third = await rotate()
    await delay(1010)
    await keys.reload()
    await keys.reload()
    expect(keys.current().kid).toBe(third)
  })

  it('tell of a refused row once, and anew when it was right in between', async () => {
    await withIntervals(async pass => {
      const keys = await open()
      const kid = await rotate()
      const readNow = async () => {
        pass()
        await keys.reload()
      }
      const spoil = () => set(kid, sql`algorithm = 'none'`)
      await spoil()
      await readNow()
      await readNow()
      expect(told).toHaveLength(1)
      await set(kid, sql`algorithm = 'ES256'`)
      await readNow()
      await spoil()
      await readNow()
      expect(told).toHaveLength(2)
    })
  })

  it('of the previous secret are encrypted anew where a newer one is of the present secret, too', async () => {
    const { kid } = (await open({}, former)).current()
    await db().transaction(tx => rotateSigningKeys(tx, secret, { previous: former }))
    const keys = await open({ previous: former })
    expect(noted).toEqual([[{ count: 1 }, 'Signing keys were encrypted under the present secret.']])
    expect(keys.find(kid)?.kid).toBe(kid)
    expect((await open()).find(kid)?.kid).toBe(kid)
  })

  onlyPostgres(
    'of the previous secret that another node has just encrypted anew are not told of',
    async () => {
      await withIntervals(async pass => {
        const keys = await open({ previous: former })
        const other = await db().transaction(tx => rotateSigningKeys(tx, former, { previous: secret }))
        const waits = () =>
          server.rows<{ waits: number }>(sql`select 1 as waits from pg_locks
          where locktype = 'advisory' and not granted
            and database = (select oid from pg_database where datname = current_database())`)
        await db().transaction(async tx => {
          await lockSigningKeys(tx)
          pass()
          await until(async () => (await waits()).length > 0)
          expect(await reencryptSigningKeys(tx, encryptionKeys(secret, former))).toBe(1)
        })
        await until(() => keys.find(other ?? '') !== undefined)
        expect(noted).toEqual([])
      })
    },
  )

  it('of the previous secret are encrypted under the present one by the first node that reads them', async () => {
    const { kid } = (await open({}, former)).current()
    const keys = await open({ previous: former })
    expect(keys.current().kid).toBe(kid)
    expect(noted).toEqual([[{ count: 1 }, 'Signing keys were encrypted under the present secret.']])
    expect((await open()).current().kid).toBe(kid)
    await open({ previous: former })
    expect(noted).toHaveLength(1)
    await expect(open({}, former)).rejects.toThrow(WrongSecretError)
  })

  it('are others where one has taken the place of another', async () => {
    await withIntervals(async pass => {
      const keys = await open()
      let heard = 0
      keys.subscribe(() => heard++)
      const { kid } = keys.current()
      const { version } = keys
      await rotate()
      await server.rows(sql`delete from annul.signing_keys where id = ${kid}`)
      pass()
      await until(() => heard > 0)
      expect([keys.find(kid), keys.jwks().keys.length, keys.version]).toEqual([undefined, 1, version + 1])
    })
  })

  it('are others where one was revoked that verified nothing any more', async () => {
    await withIntervals(async pass => {
      const old = await makeSigner()
      await set(old, sql`retired_at = now() - interval '2 hours'`)
      const keys = await open()
      expect(keys.find(old)).toBeUndefined()
      const { version } = keys
      await set(old, sql`revoked_at = now()`)
      pass()
      await until(() => keys.isRevoked(old))
      expect(keys.version).toBe(version + 1)
    })
  })

  describe('under revocations', () => {
    const entry = (subject: string, kind = 'key') =>
      ({ kind, subject, reason: 'KEY_REVOKED', revokedAt: Date.now() }) as never

    it('are obeyed as soon as the view knows, and the next key is read at once', async () => {
      const view = new RevocationView()
      const keys = await open({ revoked: view })
      const { kid } = keys.current()
      let heard = 0
      keys.subscribe(() => heard++)
      const { version } = keys
      const { signer } = await revoke(kid)
      view.apply([entry(kid)])
      expect([keys.isRevoked(kid), keys.jwks().keys, heard]).toEqual([true, [], 1])
      expect(keys.version).toBe(version + 1)
      expect(() => keys.current()).toThrow(expect.objectContaining({ code: 'UNAVAILABLE' }))
      await keys.awaitCurrent()
      expect(keys.current().kid).toBe(signer)
      expect(heard).toBe(2)
    })

    it('of other things are no reason to read', async () => {
      const view = new RevocationView()
      const keys = await open({ revoked: view })
      let heard = 0
      keys.subscribe(() => heard++)
      await rotate()
      view.apply([entry(randomUUID(), 'session'), entry(randomUUID(), 'user')])
      await delay(50)
      expect([heard, keys.jwks().keys.length]).toEqual([0, 1])
      view.apply([entry(randomUUID(), 'session'), entry(randomUUID())])
      await until(() => keys.jwks().keys.length === 2)
      expect(heard).toBe(2)
    })

    it('that the rows tell are obeyed, too, by their names, and change the version', async () => {
      await withIntervals(async pass => {
        const keys = await open()
        const { kid } = keys.current()
        const { version } = keys
        const { signer } = await revoke(kid)
        pass()
        await until(() => keys.isRevoked(kid))
        expect([keys.current().kid, keys.version, keys.find(kid)]).toEqual([signer, version + 1, undefined])
        await set(kid, sql`revoked_at = null, retired_at = null`)
        await set(signer, sql`revoked_at = now()`)
        pass()
        await until(() => keys.isRevoked(signer))
        expect([keys.current().kid, keys.version, keys.isRevoked(kid)]).toEqual([kid, version + 2, false])
      })
    })

    it('of the only key make it wait, and nobody is told of a failure', async () => {
      const view = new RevocationView()
      const keys = await open({ revoked: view })
      const { kid } = keys.current()
      view.apply([entry(kid)])
      expect(() => keys.current()).toThrow(expect.objectContaining({ code: 'UNAVAILABLE' }))
      await server.rows(sql`delete from annul.signing_keys`)
      await keys.awaitCurrent()
      await keys.awaitCurrent()
      expect(() => keys.current()).toThrow(expect.objectContaining({ code: 'UNAVAILABLE' }))
    })

    it('are not heard after the end', async () => {
      const view = new RevocationView()
      const keys = await open({ revoked: view })
      const { kid } = keys.current()
      let heard = 0
      keys.subscribe(() => heard++)
      keys.close()
      await rotate()
      view.apply([entry(kid)])
      await keys.awaitCurrent()
      await delay(50)
      expect([heard, keys.jwks().keys]).toEqual([0, []])
    })
  })
})
