import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it } from '@jest/globals'
import { type SQL, sql } from 'drizzle-orm'
import type { Queries } from '../../src/database/open.ts'
import { transact } from '../../src/database/transact.ts'
import type { Parts } from '../../src/parts.ts'
import { revoking } from '../../src/revocation/revoking.ts'
import { dropFactors } from '../../src/sessions/dropFactors.ts'
import { endFactorSessions } from '../../src/sessions/endFactorSessions.ts'
import { afterDelay, endDueFactors, endFactors } from '../../src/sessions/endFactors.ts'
import { askForFactor } from '../../src/sessions/factorChallenge.ts'
import { readCredentials } from '../../src/sessions/readCredentials.ts'
import { stopFactorReset } from '../../src/sessions/stopFactorReset.ts'
import { useProof } from '../../src/sessions/useProof.ts'
import { onPostgres } from '../support/database.ts'
import { useServer } from '../support/server.ts'
import { addApp, addCodes } from './factorRows.ts'
import { reasonOf } from './notedParts.ts'
import {
  eventsOf,
  mailsOf,
  makePerson,
  type Person,
  sessionRow,
  setSession,
  setUser,
  visitorOf,
} from './person.ts'

/* What ends factors, and what ends with them, without requests. Over HTTP: test/factors/. */

const server = useServer()
/** The embedded database has one connection, so that nobody waits for a lock. */
const onlyPostgres = onPostgres ? it : it.skip
let ada: Person
let bob: Person
beforeEach(async () => {
  ada = await makePerson(server)
  bob = await makePerson(server)
})

const inTransaction = <T>(work: (tx: Queries) => Promise<T>) => transact(server.auth.parts, work)
const checkedOf = async ({ userId }: Person) => {
  const found = await readCredentials(server.auth.parts.db, { id: userId })
  if (found === undefined) throw new Error('There is no such user.')
  return found
}
const countOf = async (table: SQL, { userId }: Person) => {
  const [found] = await server.rows<{ count: number }>(
    sql`select count(*)::int as count from ${table} where user_id = ${userId}`,
  )
  return found?.count
}
const factors = sql`annul.factors`
const challenges = sql`annul.factor_challenges`
const endsAt = async ({ userId }: Person) => {
  const [row] = await server.rows<{ waits: boolean }>(
    sql`select factors_end_at is not null as waits from annul.users where id = ${userId}`,
  )
  return row?.waits
}

describe('dropping the factors of a user', () => {
  it('removes factors, codes and challenges, and nobody else’s', async () => {
    for (const person of [ada, bob]) {
      await addApp(server, person.userId)
      await addCodes(server, person.userId, ['7K3M0QZV9XWBT2AH'])
      await askForFactor(server.auth.parts.db, await checkedOf(person))
    }
    await inTransaction(tx => dropFactors(tx, ada.userId))
    const counts = async (person: Person) => [
      await countOf(factors, person),
      await countOf(challenges, person),
    ]
    expect([await counts(ada), await counts(bob)]).toEqual([
      [0, 0],
      [2, 1],
    ])
  })
})

describe('ending the sessions of factors', () => {
  it('ends the viewer’s other live sessions that one of them opened or proved', async () => {
    const [mine, byFirst, bySecond, byOther, without, over] = [
      await ada.signIn(),
      await ada.signIn(),
      await ada.signIn(),
      await ada.signIn(),
      await ada.signIn(),
      await ada.signIn(),
    ]
    const foreign = await bob.signIn()
    const [first, second, other] = [randomUUID(), randomUUID(), randomUUID()]
    for (const [{ sessionId }, id] of [
      [mine, first],
      [byFirst, first],
      [bySecond, second],
      [byOther, other],
      [over, first],
      [foreign, first],
    ] as const)
      await setSession(server, sessionId, sql`factor_ids = array[${other}, ${id}]::uuid[]`)
    await setSession(server, over.sessionId, sql`ended_at = now(), end_reason = 'LOGGED_OUT'`)
    await setSession(server, byOther.sessionId, sql`factor_ids = array[${other}]::uuid[]`)
    const visitor = visitorOf()
    await revoking(server.auth.parts, visitor, { kind: 'user', subject: ada.userId }, (tx, revoke) =>
      endFactorSessions(tx, revoke, mine.viewer, [first, second]),
    )
    const reasons = []
    for (const { sessionId } of [mine, byFirst, bySecond, byOther, without, over, foreign])
      reasons.push((await sessionRow(server, sessionId)).end_reason)
    expect(reasons).toEqual([null, 'FACTOR_REMOVED', 'FACTOR_REMOVED', null, null, 'LOGGED_OUT', null])
  })
})

describe('a reset of the factors', () => {
  it('removes them, tells the owner and the audit, and waits no more', async () => {
    for (const person of [ada, bob]) {
      await addApp(server, person.userId)
      await setUser(server, person.userId, sql`factors_end_at = now()`)
    }
    const { user } = await checkedOf(ada)
    await inTransaction(tx => endFactors(tx, user, { actorId: bob.userId, detail: 'by hand' }))
    expect([await countOf(factors, ada), await countOf(factors, bob)]).toEqual([0, 1])
    expect([await endsAt(ada), await endsAt(bob)]).toEqual([false, true])
    expect(await eventsOf(server, ada.userId)).toEqual([
      {
        ...{ kind: 'reset-factors', actor: bob.userId, session: null },
        ...{ address: null, device: null, detail: 'by hand' },
      },
    ])
    await server.auth.parts.mails?.nudge()
    expect(await mailsOf(server, ada.email)).toEqual(['factors-reset'])
  })

  it('after its delay has no actor, and the origin of whoever met it', () => {
    expect(afterDelay(visitorOf())).toEqual({
      ...{ actorId: null, ipAddress: '203.0.113.7', device: 'Firefox on Linux' },
      detail: 'the delay was over',
    })
  })

  it('that is due is carried out, with the sessions; the row that is returned is the one after', async () => {
    const { sessionId } = await ada.signIn()
    await addApp(server, ada.userId)
    await setUser(server, ada.userId, sql`factors_end_at = now() - interval '1 second'`)
    const found = await checkedOf(ada)
    expect([found.hasFactors, found.isResetDue]).toEqual([true, true])
    const visitor = visitorOf()
    const after = await endDueFactors(server.auth.parts, visitor, found)
    expect([after.hasFactors, after.isResetDue]).toEqual([false, false])
    expect(after.user.sessionVersion).toBe(found.user.sessionVersion + 1)
    expect(after.user.tokenVersion).toBe(found.user.tokenVersion + 1)
    expect(await sessionRow(server, sessionId)).toMatchObject({ session_version: found.user.sessionVersion })
    expect(await eventsOf(server, ada.userId)).toMatchObject([
      { kind: 'reset-factors', actor: null, device: 'Firefox on Linux', detail: 'the delay was over' },
    ])
    const [revoked] = await server.rows(
      sql`select reason from annul.revocations where subject = ${ada.userId} order by id desc limit 1`,
    )
    expect(revoked).toEqual({ reason: 'FACTOR_REMOVED' })
    expect(visitor.waited).toHaveLength(1)
  })

  it('that is due no more when the row is locked changes nothing', async () => {
    await addApp(server, ada.userId)
    await setUser(server, ada.userId, sql`factors_end_at = now()`)
    const found = await checkedOf(ada)
    await setUser(server, ada.userId, sql`factors_end_at = null`)
    const after = await endDueFactors(server.auth.parts, visitorOf(), found)
    expect([after.hasFactors, after.isResetDue]).toEqual([true, false])
    expect(after.user.sessionVersion).toBe(found.user.sessionVersion)
    expect([await countOf(factors, ada), await eventsOf(server, ada.userId)]).toEqual([1, []])
  })

  it.each([
    ['another password', sql`password_hash = 'another'`],
    ['a blocked user', sql`status = 'BLOCKED'`],
  ])('with %s since is refused, and changes nothing', async (_, change) => {
    await addApp(server, ada.userId)
    await setUser(server, ada.userId, sql`factors_end_at = now()`)
    const found = await checkedOf(ada)
    await setUser(server, ada.userId, change)
    expect(await reasonOf(endDueFactors(server.auth.parts, visitorOf(), found))).toBe('INVALID_CREDENTIALS')
    expect([await countOf(factors, ada), await endsAt(ada)]).toEqual([1, true])
  })

  it('of a user who is gone is refused', async () => {
    const found = await checkedOf(ada)
    const gone = { ...found, user: { ...found.user, id: randomUUID() } }
    // What asked for it may have been killed by another transaction a moment ago.
    const drained: unknown[] = []
    const { parts } = server.auth
    const fences: Parts['fences'] = {
      ...parts.fences,
      drained(subjects) {
        drained.push(...subjects)
        return parts.fences.drained(subjects)
      },
    }
    expect(await reasonOf(endDueFactors({ ...parts, fences }, visitorOf(), gone))).toBe('INVALID_CREDENTIALS')
    expect(drained).toEqual([{ kind: 'user', subject: gone.user.id }])
  })

  onlyPostgres('is carried out after the lock of whoever holds the row', async () => {
    await addApp(server, ada.userId)
    await setUser(server, ada.userId, sql`factors_end_at = now()`)
    const found = await checkedOf(ada)
    const order: string[] = []
    let ending: Promise<unknown> | undefined
    await inTransaction(async tx => {
      await tx.execute(sql`update annul.users set factors_end_at = null where id = ${ada.userId}`)
      ending = endDueFactors(server.auth.parts, visitorOf(), found).then(() => order.push('ended'))
      // The other transaction waits for the row: the database itself says so.
      for (let waits = false; !waits; ) {
        const [row] = await server.rows<{ waits: boolean }>(
          sql`select exists (select from pg_locks where not granted) as waits`,
        )
        waits = row?.waits ?? false
      }
      order.push('stopped')
    })
    await ending
    expect([order, await countOf(factors, ada)]).toEqual([['stopped', 'ended'], 1])
  })
})

describe('a proof that is used up', () => {
  it('stops a reset that waits, before the factor is locked, and only the user’s own', async () => {
    for (const person of [ada, bob]) await setUser(server, person.userId, sql`factors_end_at = now()`)
    const order: unknown[] = []
    const proof = {
      ...{ factorId: randomUUID(), amr: [] },
      spend: async () => void order.push('spent'),
    }
    await inTransaction(tx => useProof(tx, visitorOf(), ada.userId, proof))
    expect([order, await endsAt(ada), await endsAt(bob)]).toEqual([['spent'], false, true])
    expect(await eventsOf(server, ada.userId)).toEqual([
      {
        ...{ kind: 'stop-factor-reset', actor: ada.userId, session: null, detail: null },
        ...{ address: '203.0.113.7', device: 'Firefox on Linux' },
      },
    ])
    await inTransaction(tx => useProof(tx, visitorOf(), ada.userId, proof))
    expect(await eventsOf(server, ada.userId)).toHaveLength(1)
  })

  it('that was used up by another request changes nothing', async () => {
    await setUser(server, ada.userId, sql`factors_end_at = now()`)
    const spend = () => Promise.reject(new Error('used already'))
    const using = inTransaction(tx =>
      useProof(tx, visitorOf(), ada.userId, { factorId: randomUUID(), amr: [], spend }),
    )
    await expect(using).rejects.toThrow('used already')
    expect([await endsAt(ada), await eventsOf(server, ada.userId)]).toEqual([true, []])
  })

  onlyPostgres('holds the user’s row until the transaction is over', async () => {
    await inTransaction(async tx => {
      await useProof(tx, visitorOf(), ada.userId, {
        ...{ factorId: randomUUID(), amr: [] },
        spend: async () => {},
      })
      const locked = await server.rows(
        sql`select from annul.users where id = ${ada.userId} for update skip locked`,
      )
      const free = await server.rows(
        sql`select from annul.users where id = ${bob.userId} for update skip locked`,
      )
      expect([locked.length, free.length]).toEqual([0, 1])
    })
  })

  it('is nothing that stops a reset where none waits', async () => {
    await inTransaction(tx => stopFactorReset(tx, ada.userId, visitorOf()))
    expect(await eventsOf(server, ada.userId)).toEqual([])
  })
})
