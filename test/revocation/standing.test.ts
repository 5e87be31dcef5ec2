import { describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { queriesOf } from '../../src/revocation/appTransaction.ts'
import { judgeStanding, type Standing } from '../../src/revocation/standing.ts'

describe('a token, by the rows of one moment', () => {
  const claims = { sub: 'user', sid: 'session', ver: 3, epoch: 2, exp: 1001 }
  const alive: Standing = {
    ...{ key_revoked: false, token_version: 3, token_reason: 'PASSWORD_CHANGED', session_found: true },
    ...{ session_ended: false, end_reason: 'LOGGED_OUT', epoch: 2, time: 1000 },
  }
  const ended = { session_ended: true }
  const without = { sid: null }

  it.each<[string, string | undefined, Partial<Standing>, object]>([
    ['lives', undefined, {}, {}],
    ['of a version and an epoch above lives', undefined, {}, { ver: 4, epoch: 3 }],
    ['of a revoked key', 'KEY_REVOKED', { key_revoked: true, epoch: 9 }, { exp: 1 }],
    ['whose time is over', 'TOKEN_EXPIRED', { epoch: 9 }, { exp: 1000 }],
    ['of a former epoch', 'EVERYTHING_REVOKED', { epoch: 3, token_version: null }, {}],
    ['of nobody', 'USER_DELETED', { token_version: null, session_found: false }, {}],
    ['of a former version', 'PASSWORD_CHANGED', { token_version: 4, ...ended }, {}],
    ['of a former version for no reason', 'SESSION_REVOKED', { token_version: 4, token_reason: null }, {}],
    ['of no session', 'SESSION_EXPIRED', { session_found: false }, {}],
    ['of a session that has ended', 'LOGGED_OUT', ended, {}],
    ['of a session that has ended for no reason', 'SESSION_REVOKED', { ...ended, end_reason: null }, {}],
    ['without a session lives', undefined, { session_found: false, ...ended }, without],
    ['without a session of a former version', 'PASSWORD_CHANGED', { token_version: 4 }, without],
  ])('%s: %s', (...[, reason, standing, more]) => {
    expect(judgeStanding({ ...claims, ...more }, { ...alive, ...standing })).toBe(reason)
  })
})

describe('an app’s transaction', () => {
  it('of Drizzle is asked as it is', () => {
    const tx = { execute: async () => [], rollback: () => {} }
    expect(queriesOf(tx as never)).toBe(tx)
    // Drizzle's transactions may be functions to whoever asks.
    const callable = Object.assign(() => {}, tx)
    expect(queriesOf(callable as never)).toBe(callable)
  })

  it('of the postgres client is asked by the text of a statement and its parameters', async () => {
    const asked: unknown[] = []
    const tx = Object.assign(() => {}, {
      unsafe: async (...all: unknown[]) => {
        asked.push(all)
        return [{ one: 1 }]
      },
      savepoint: () => {},
    })
    expect(await queriesOf(tx as never).execute(sql`select ${7}::int as one`)).toEqual([{ one: 1 }])
    expect(asked).toEqual([['select $1::int as one', [7]]])
  })

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['a text', 'tx'],
    ['a number', 7],
    ['a client of Drizzle', { execute: () => {} }],
    ['a client of postgres', { unsafe: () => {} }],
    ['half of both', { execute: () => {}, savepoint: () => {} }],
    ['names without functions', { execute: true, rollback: true, unsafe: 'a', savepoint: 1 }],
  ])('is told from %s', (_, tx) => {
    expect(() => queriesOf(tx as never)).toThrow(
      new TypeError('fence: expected an open transaction of Drizzle or of the "postgres" client.'),
    )
  })
})
