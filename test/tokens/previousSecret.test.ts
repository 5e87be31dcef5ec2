import { randomBytes, randomUUID } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { importUsers } from '../../src/accounts/importUsers.ts'
import { renewSignerKeys } from '../../src/accounts/renewSignerKeys.ts'
import { sealHours } from '../../src/audit/sealHours.ts'
import { verifySeals } from '../../src/audit/verifySeals.ts'
import { openPasswords } from '../../src/passwords/hash.ts'
import { auditCursors } from '../../src/tokens/auditCursor.ts'
import { deviceTokens } from '../../src/tokens/deviceToken.ts'
import { oneTimeTokens } from '../../src/tokens/oneTimeToken.ts'
import { refreshTokens } from '../../src/tokens/refreshToken.ts'
import { loadSecrets } from '../../src/tokens/secret.ts'
import { temporaryDirectory } from '../support/database.ts'
import { useServer } from '../support/server.ts'

const [former, present, foreign] = [randomBytes(32), randomBytes(32), randomBytes(32)]

describe('what was derived from the previous secret is accepted beside the present one:', () => {
  it('a refresh token, which says so', () => {
    const claims = { sessionId: randomUUID(), generation: 7 }
    const both = refreshTokens(present, former)
    expect(both.read(refreshTokens(former).derive(claims))).toEqual({ ...claims, previous: true })
    expect(both.read(refreshTokens(present).derive(claims))).toEqual(claims)
    expect(both.derive(claims)).toBe(refreshTokens(present).derive(claims))
    expect(both.read(refreshTokens(foreign).derive(claims))).toBe('foreign')
    // The id of one key does not make the MAC of another one right.
    const bytes = Buffer.from(refreshTokens(present).derive(claims).slice(9), 'base64url')
    Buffer.from(refreshTokens(former).derive(claims).slice(9), 'base64url').copy(bytes, 0, 0, 4)
    expect(both.read(`annul_rt_${bytes.toString('base64url')}`)).toBe('forged')
  })

  it('a link and a code of a mail', () => {
    const id = randomUUID()
    const [old, both] = [oneTimeTokens(former), oneTimeTokens(present, former)]
    expect([old.derive(id), both.derive(id), oneTimeTokens(foreign).derive(id)].map(both.read)).toEqual([
      ...[id, id],
      undefined,
    ])
    expect([old.code(id), both.code(id)].map(code => both.isCode(id, code))).toEqual([true, true])
    expect(both.isCode(randomUUID(), old.code(id))).toBe(false)
    expect(['', '1', `${both.code(id)}0`].map(code => both.isCode(id, code))).toEqual([false, false, false])
    expect(oneTimeTokens(present).isCode(id, old.code(id))).toBe(false)
    expect(both.code(id)).toBe(oneTimeTokens(present).code(id))
  })

  it('a device, which knows its accounts, and is written anew when one of them signs in', () => {
    const [old, both, after] = [deviceTokens(former), deviceTokens(present, former), deviceTokens(present)]
    const token = old.write(old.remember(old.remember(old.create(), 'ada'), 'bob'))
    expect(after.read(token)).toBeUndefined()
    const device = both.read(token)
    if (device === undefined) throw new Error('The device is not known.')
    expect(['ada', 'bob', 'eve'].map(name => both.knows(device, name))).toEqual([true, true, false])
    expect(['ada', 'bob'].map(name => both.knowsLastingly(device, name))).toEqual([false, false])
    const signedIn = both.remember(device, 'ada')
    expect(signedIn.proofs).toHaveLength(2)
    expect(['ada', 'bob'].map(name => both.knowsLastingly(signedIn, name))).toEqual([true, false])
    const later = after.read(both.write(signedIn))
    expect(later?.id).toBe(device.id)
    expect(['ada', 'bob'].map(name => later && after.knows(later, name))).toEqual([true, false])
  })

  it('the cursor of a list of events', () => {
    const position = { id: '5', snapshot: '1:1:', top: '9', readAt: '1.5' }
    const both = auditCursors(present, former)
    expect(both.read('all', auditCursors(former).write('all', position))).toEqual(position)
    expect(both.read('mine', auditCursors(former).write('all', position))).toBeUndefined()
    expect(both.read('all', auditCursors(foreign).write('all', position))).toBeUndefined()
    expect(auditCursors(present).read('all', both.write('all', position))).toEqual(position)
  })
})

describe('what the database holds', () => {
  const server = useServer()

  it('of sealed hours is verified across the change, and only while the former secret is known', async () => {
    const { db } = server.auth.parts
    const append = (ago: number) =>
      server.rows(sql`insert into annul.audit_events (kind, at)
        values ('login', date_trunc('hour', now(), 'UTC') - make_interval(hours => ${ago}::int))`)
    for (const [ago, secret] of [
      [9, former],
      [8, former],
      [7, present],
      // A node that has not got the new settings yet.
      [6, former],
      [5, present],
    ] as const) {
      await append(ago)
      expect(await sealHours(db, secret)).toMatchObject({ hours: 1 })
    }
    const verify = (secret: Uint8Array, previous?: Uint8Array) =>
      verifySeals(db, { secret, previous, auditDays: 400 })
    expect(await verify(present, former)).toMatchObject({ hours: 5, events: 5, broken: undefined })
    const broken = { problem: expect.stringMatching(/another ANNUL_SECRET/) }
    expect(await verify(present)).toMatchObject({ hours: 0, broken })
    expect(await verify(former)).toMatchObject({ hours: 2, broken })
    expect(await verify(foreign, former)).toMatchObject({ hours: 2, broken })
  })

  it('of imported hashes of Firebase is encrypted anew, so that their users sign in when the former secret is gone', async () => {
    const { parts } = server.auth
    const passwordHash =
      '$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,sk=jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==$42xEC+ixf3L2lw==$lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ=='
    const emails = Array.from({ length: 3 }, () => `${randomUUID()}@example.com`)
    await importUsers(
      parts,
      former,
      (async function* () {
        for (const [at, email] of emails.entries())
          yield { number: at + 1, text: JSON.stringify({ id: randomUUID(), email, passwordHash }) }
      })(),
      { onRefused: (_, reason) => expect(reason).toBe('') },
    )
    const stored = () =>
      server.rows<{ hash: string }>(
        sql`select password_hash as hash from annul.users where password_hash like '$fbscrypt$%'`,
      )
    const right = async (secret: Uint8Array, secretPrevious?: Uint8Array) => {
      const passwords = await openPasswords({ secret, secretPrevious })
      const hashes = await stored()
      return Promise.all(hashes.map(({ hash }) => passwords.verify(hash, 'user1password')))
    }
    expect(await right(present, former)).toEqual([true, true, true])
    await expect(right(present)).rejects.toThrow('A stored hash can not be read.')
    expect(await renewSignerKeys(parts.db, { secret: present, previous: undefined })).toBe(0)
    expect(await renewSignerKeys(parts.db, { secret: present, previous: former })).toBe(3)
    expect(await renewSignerKeys(parts.db, { secret: present, previous: former })).toBe(0)
    expect(await right(present)).toEqual([true, true, true])
    const text = JSON.stringify(await stored())
    expect(text).not.toContain('sk=')
  })
})

describe('ANNUL_SECRET_PREVIOUS', () => {
  it('is refused where it is the generated secret itself', async () => {
    const dataDir = await temporaryDirectory()
    const { secret } = await loadSecrets({ secret: undefined, secretPrevious: undefined, dataDir })
    expect(await loadSecrets({ secret: undefined, secretPrevious: former, dataDir })).toEqual({
      secret,
      previous: former,
    })
    const failure = await loadSecrets({ secret: undefined, secretPrevious: secret, dataDir }).catch(
      error => error,
    )
    expect(failure.message).toContain('ANNUL_SECRET_PREVIOUS must be another secret')
    expect(failure.message).not.toContain(Buffer.from(secret).toString('base64'))
  })
})
