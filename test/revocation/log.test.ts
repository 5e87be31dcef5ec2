import { randomUUID } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import type { Queries } from '../../src/database/open.ts'
import { rows } from '../../src/database/open.ts'
import { type Revoke, revokeWithin } from '../../src/revocation/log.ts'
import { must } from '../support/answers.ts'
import { useServer } from '../support/server.ts'

/* What each kill changes in the rows, and what it appends to the log that the views follow. */

const server = useServer()

/** Runs a kill in a transaction of its own. @returns what it has appended, and the number of its transaction */
async function kill(work: (revoke: Revoke, tx: Queries) => Promise<unknown>) {
  const { revoke, now } = await server.auth.parts.db.transaction(async tx => {
    const revoke = revokeWithin(tx)
    await work(revoke, tx)
    const [row] = await rows<{ xid: string }>(tx, sql`select pg_current_xact_id()::text as xid`)
    return { revoke, now: row?.xid }
  })
  return { entries: revoke.entries, xid: revoke.xid, now }
}

async function userOf(id: string) {
  const [row] = await server.rows(sql`
    select token_version as token, token_reason as reason, session_version as session,
      session_reason as "sessionReason" from annul.users where id = ${id}`)
  return row
}

async function epochNow(): Promise<number> {
  const [row] = await server.rows<{ epoch: number }>(sql`select epoch::float8 as epoch from annul.epochs`)
  return Number(row?.epoch)
}

/** A user who has asked for a new address, whose link is still open. */
async function signUpForNewAddress() {
  const account = await server.signUp()
  const field = `changeEmail(input: { email: "new-${account.userId}@example.com" }) { id }`
  must(await server.send(`mutation { ${field} }`, { token: account.accessToken }))
  const isOpen = async () => {
    const found = await server.rows(sql`select 1 from annul.one_time_tokens
      where user_id = ${account.userId} and purpose = 'change-email' and ended_at is null`)
    return found.length > 0
  }
  expect(await isOpen()).toBe(true)
  return { ...account, isOpen }
}

describe('a kill of a session', () => {
  it('ends the session with its reason, and appends a row of its transaction', async () => {
    const { session } = await server.signUp()
    const { entries, xid, now } = await kill(revoke => revoke.session(session.id, 'LOGGED_OUT'))
    expect(entries).toEqual([{ kind: 'session', subject: session.id, reason: 'LOGGED_OUT' }])
    expect([xid, typeof xid]).toEqual([now, 'string'])
    const ended = sql`select end_reason as reason, ended_at is not null as over
      from annul.sessions where id = ${session.id}`
    expect(await server.rows(ended)).toEqual([{ reason: 'LOGGED_OUT', over: true }])
  })

  it('appends nothing for a session that has ended before, and leaves its reason', async () => {
    const { session } = await server.signUp()
    await kill(revoke => revoke.session(session.id, 'LOGGED_OUT'))
    const { entries, xid } = await kill(revoke => revoke.session(session.id, 'SESSION_REVOKED'))
    expect({ entries, xid }).toEqual({ entries: [], xid: undefined })
    const reason = sql`select end_reason as reason from annul.sessions where id = ${session.id}`
    expect(await server.rows(reason)).toEqual([{ reason: 'LOGGED_OUT' }])
  })

  it('ends the new address that was asked for: a thief may have asked in this session', async () => {
    const { session, isOpen } = await signUpForNewAddress()
    await kill(revoke => revoke.session(session.id, 'LOGGED_OUT'))
    expect(await isOpen()).toBe(false)
  })
})

describe('a kill of a user', () => {
  it('raises the version of the access tokens alone, where the sessions stay', async () => {
    const { userId, isOpen } = await signUpForNewAddress()
    const { entries } = await kill(revoke => revoke.user(userId, 'ACCESS_CHANGED', { sessions: false }))
    expect(entries).toEqual([{ kind: 'user', subject: userId, minVersion: 2, reason: 'ACCESS_CHANGED' }])
    expect(await userOf(userId)).toEqual({
      token: 2,
      reason: 'ACCESS_CHANGED',
      session: 1,
      sessionReason: null,
    })
    expect(await isOpen()).toBe(true)
  })

  it('raises both versions where the sessions end, and with them a new address that one asked for', async () => {
    const { userId, isOpen } = await signUpForNewAddress()
    const other = await signUpForNewAddress()
    await kill(revoke => revoke.user(userId, 'SESSIONS_REVOKED', { sessions: true }))
    expect(await userOf(userId)).toEqual({
      token: 2,
      reason: 'SESSIONS_REVOKED',
      session: 2,
      sessionReason: 'SESSIONS_REVOKED',
    })
    expect([await isOpen(), await other.isOpen()]).toEqual([false, true])
  })

  it('fails where no user has the id, and appends nothing', async () => {
    const nobody = '00000000-0000-4000-8000-000000000000'
    const failed = kill(revoke => revoke.user(nobody, 'USER_BLOCKED', { sessions: true }))
    await expect(failed).rejects.toThrow('A user who was there under lock is gone.')
    expect(await server.rows(sql`select 1 from annul.revocations where subject = ${nobody}`)).toEqual([])
  })
})

describe('a kill of everyone', () => {
  it('raises the epoch by one, and ends every new address that was asked for', async () => {
    const { isOpen } = await signUpForNewAddress()
    const before = await epochNow()
    const { entries } = await kill(revoke => revoke.everyone())
    expect(entries).toEqual([{ kind: 'everyone', minVersion: before + 1, reason: 'EVERYTHING_REVOKED' }])
    expect(await epochNow()).toBe(before + 1)
    expect(await isOpen()).toBe(false)
  })

  it('raises the epoch to the time in seconds after a restore, and by one again afterwards', async () => {
    const seconds = Math.floor(Date.now() / 1000)
    await kill(revoke => revoke.everyone(true))
    const restored = await epochNow()
    expect(restored).toBeGreaterThanOrEqual(seconds - 60)
    expect(restored).toBeLessThan(seconds + 3600)
    await kill(revoke => revoke.everyone())
    expect(await epochNow()).toBe(restored + 1)
  })

  it('fails where the row of the epoch is missing', async () => {
    const failed = kill(async (revoke, tx) => {
      await tx.execute(sql`delete from annul.epochs`)
      await revoke.everyone()
    })
    await expect(failed).rejects.toThrow('The row of the epoch is missing.')
  })
})

describe('a kill of a signing key', () => {
  it('appends a row of its transaction, and leaves users and the epoch as they are', async () => {
    const { userId } = await server.signUp()
    const before = [await userOf(userId), await epochNow()]
    // No node looks for a key of this name: nobody's token ends.
    const kid = randomUUID()
    const { entries, xid, now } = await kill(revoke => revoke.key(kid))
    expect(entries).toEqual([{ kind: 'key', subject: kid, reason: 'KEY_REVOKED' }])
    expect([xid, typeof xid]).toEqual([now, 'string'])
    const appended = sql`select kind, subject, min_version as version, reason
      from annul.revocations where subject = ${kid}`
    expect(await server.rows(appended)).toEqual([
      { kind: 'key', subject: kid, version: null, reason: 'KEY_REVOKED' },
    ])
    expect([await userOf(userId), await epochNow()]).toEqual(before)
  })
})
