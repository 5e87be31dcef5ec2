import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, describe, expect, it } from '@jest/globals'
import { tellKeys } from '../../src/decisions/tellKeys.ts'
import { type Ending, openTokenWatch, type TokenWatch } from '../../src/decisions/tokenWatch.ts'
import type { Reason } from '../../src/errors.ts'
import { type Revocation, RevocationView } from '../../src/revocation/view.ts'
import { noteKeyOf } from '../../src/tokens/accessToken.ts'
import type { ViewerClaims } from '../../src/viewer.ts'
import { encode } from '../support/forge.ts'
import { heapInUse } from '../support/heap.ts'
import { until } from '../support/until.ts'

/* When a socket is told that its token is dead. Through sockets: test/http. */

const time = 1_800_000_000
const [ada, bob] = ['0b0e7a52-3c6f-4d3b-9b5e-2f0d3a1c4e5f', 'f7c1d2e3-a4b5-4c6d-8e9f-0a1b2c3d4e5f']
const [laptop, phone] = ['11111111-1111-4111-8111-111111111111', '22222222-2222-4222-8222-222222222222']

const claimsOf = (more: Partial<ViewerClaims> = {}): ViewerClaims => ({
  ...{ iss: 'annul', sub: ada, aud: 'annul', client_id: 'annul', exp: time + 600, iat: time, jti: 'a' },
  ...{ sid: laptop, ver: 1, epoch: 1, roles: [], scope: '', auth_time: time },
  ...more,
})
/** Claims of a token that the key has signed. */
function signedBy(kid: string, more?: Partial<ViewerClaims>): ViewerClaims {
  const claims = claimsOf(more)
  const header = encode(JSON.stringify({ alg: 'ES256', kid, typ: 'at+jwt' }))
  noteKeyOf(claims, `${header}.${encode('{}')}.${encode('sig')}`)
  return claims
}
const kill = (
  kind: Revocation['kind'],
  subject: string | undefined,
  reason: Reason,
  minVersion = 2,
): Revocation => ({
  ...{ kind, subject, reason, minVersion, revokedAt: time * 1000 },
})

const opened: TokenWatch[] = []
function open({ leaseMs = 100_000 } = {}) {
  const view = new RevocationView()
  const state = {
    now: time,
    fresh: true,
    verdict: async (): Promise<Reason | undefined> => undefined,
    asked: 0,
  }
  const watch = openTokenWatch(
    {
      clock: { now: () => state.now },
      config: { leaseMs },
      revocation: { view, isFresh: () => state.fresh },
    },
    {
      verdict() {
        state.asked++
        return state.verdict()
      },
    },
  )
  opened.push(watch)
  const ends: string[] = []
  const follow = (name: string, claims = claimsOf()) =>
    watch.watch(claims, (why: Ending) => void ends.push(`${name}: ${why}`))
  return { view, state, watch, ends, follow }
}
afterEach(() => {
  for (const watch of opened.splice(0)) watch.close()
})
/** Lets everything go on that need not wait. */
const settled = () => new Promise(resolve => setImmediate(resolve))

describe('a watch of a token', () => {
  it('ends in the same step in which the view learns of its death, with the reason, and once', () => {
    const { view, ends, follow } = open()
    follow('laptop')
    follow('phone', claimsOf({ sid: phone }))
    follow('of bob', claimsOf({ sub: bob, sid: bob }))
    view.apply([kill('session', laptop, 'LOGGED_OUT')])
    expect(ends).toEqual(['laptop: LOGGED_OUT'])
    view.apply([kill('user', ada, 'PASSWORD_CHANGED')])
    expect(ends).toEqual(['laptop: LOGGED_OUT', 'phone: PASSWORD_CHANGED'])
    view.apply([kill('everyone', undefined, 'EVERYTHING_REVOKED')])
    expect(ends).toEqual(['laptop: LOGGED_OUT', 'phone: PASSWORD_CHANGED', 'of bob: EVERYTHING_REVOKED'])
    view.apply([kill('user', ada, 'USER_BLOCKED', 3), kill('everyone', undefined, 'EVERYTHING_REVOKED', 9)])
    expect(ends).toHaveLength(3)
  })

  it('goes on where the kill is about others, or about older tokens', () => {
    const { view, ends, follow } = open()
    follow('laptop', claimsOf({ ver: 5, epoch: 5 }))
    view.apply([
      kill('session', phone, 'LOGGED_OUT'),
      kill('user', bob, 'USER_BLOCKED'),
      kill('user', ada, 'ACCESS_CHANGED', 5),
      kill('everyone', undefined, 'EVERYTHING_REVOKED', 5),
      kill('key', 'another', 'KEY_REVOKED'),
    ])
    expect(ends).toEqual([])
  })

  it('ends with the key that has signed the token, which weighs more than anything else', () => {
    const { view, ends, follow } = open()
    follow('one', signedBy('a key'))
    follow('other', signedBy('another key'))
    follow('of no key', claimsOf())
    view.apply([kill('session', laptop, 'LOGGED_OUT'), kill('key', 'a key', 'KEY_REVOKED')].reverse())
    expect(ends).toEqual(['one: KEY_REVOKED', 'other: LOGGED_OUT', 'of no key: LOGGED_OUT'])
    view.apply([kill('key', 'another key', 'KEY_REVOKED')])
    expect(ends).toHaveLength(3)
  })

  it('of a token without a session ends with its user', () => {
    const { view, ends, follow } = open()
    follow('former', claimsOf({ sid: null }))
    view.apply([kill('session', laptop, 'LOGGED_OUT'), kill('session', undefined, 'LOGGED_OUT')])
    expect(ends).toEqual([])
    view.apply([kill('user', ada, 'USER_BLOCKED')])
    expect(ends).toEqual(['former: USER_BLOCKED'])
  })

  it('that was stopped hears nothing, and others of the same user go on', () => {
    const { view, ends, follow } = open()
    const stops = [follow('one'), follow('two'), follow('three')]
    stops[0]?.()
    stops[0]?.()
    view.apply([kill('user', ada, 'USER_BLOCKED')])
    expect(ends).toEqual(['two: USER_BLOCKED', 'three: USER_BLOCKED'])
    stops[1]?.()
    follow('four', claimsOf({ ver: 2 }))
    view.apply([kill('user', ada, 'USER_DELETED', 3)])
    expect(ends.slice(2)).toEqual(['four: USER_DELETED'])
  })

  it('that was stopped takes no memory, however many users come and go', async () => {
    const { follow, watch } = open()
    const come = async (count: number) => {
      for (let at = 0; at < count; at++)
        follow('one', claimsOf({ sub: `user ${at}`, sid: `session ${at}` }))()
      await settled()
    }
    await come(100)
    const before = heapInUse()
    await come(20_000)
    // What is kept of each would take more than 200 bytes.
    expect(heapInUse() - before).toBeLessThan(2_000_000)
    expect(watch).toBeDefined()
  })

  it('may be stopped by what another one does at its end', () => {
    const { view, watch, ends, follow } = open()
    let stopOther = () => {}
    watch.watch(claimsOf(), why => {
      ends.push(`one: ${why}`)
      stopOther()
    })
    stopOther = follow('other')
    view.apply([kill('user', ada, 'USER_BLOCKED')])
    expect(ends).toEqual(['one: USER_BLOCKED'])
  })

  it('ends at once where the token has died between the decision and the watch', async () => {
    const { view, state, ends, follow } = open()
    view.apply([kill('session', laptop, 'LOGGED_OUT'), kill('key', 'a key', 'KEY_REVOKED')])
    follow('laptop')
    follow('signed', signedBy('a key', { sid: phone }))
    follow('phone', claimsOf({ sid: phone }))
    // Not before the caller has the function that ends it.
    expect(ends).toEqual([])
    await settled()
    expect(ends).toEqual(['laptop: LOGGED_OUT', 'signed: KEY_REVOKED'])
    // A stale view proves nothing.
    state.fresh = false
    follow('later')
    await settled()
    expect(ends).toHaveLength(2)
  })
})

describe('the end of a token’s time', () => {
  it('ends its watch', async () => {
    const { ends, follow, state } = open()
    follow('short', claimsOf({ exp: time + 1 }))
    state.now = time + 0.95
    follow('shorter', claimsOf({ exp: time + 1 }))
    const stop = follow('stopped', claimsOf({ exp: time + 1 }))
    stop()
    follow('long')
    await until(() => ends.length > 0)
    expect(ends).toEqual(['shorter: TOKEN_EXPIRED'])
    await until(() => ends.length > 1)
    await delay(50)
    expect(ends).toEqual(['shorter: TOKEN_EXPIRED', 'short: TOKEN_EXPIRED'])
  })

  it('may be further away than a timer can run, and is waited for all the same', async () => {
    const { setTimeout: real } = globalThis
    const timers: { run: () => void; ms: number | undefined }[] = []
    globalThis.setTimeout = ((run: () => void, ms?: number) => {
      timers.push({ run, ms })
      return real(() => {}, 0)
    }) as typeof real
    try {
      const { ends, follow, state } = open()
      const longestMs = 2 ** 31 - 1
      follow('former', claimsOf({ exp: time + 60 * 86_400 }))
      expect(timers.map(({ ms }) => ms)).toEqual([longestMs])
      while (ends.length === 0) {
        const last = timers.at(-1)
        state.now += (last?.ms ?? 0) / 1000
        last?.run()
      }
      const waited = timers.map(({ ms = 0 }) => Math.round(ms))
      expect(waited).toEqual([longestMs, longestMs, 60 * 86_400_000 - 2 * longestMs])
      expect(ends).toEqual(['former: TOKEN_EXPIRED'])
    } finally {
      globalThis.setTimeout = real
    }
  })
})

describe('while the view is stale', () => {
  it('the primary is asked about each token, and ends those that it does not confirm', async () => {
    const { state, ends, follow } = open({ leaseMs: 20 })
    await delay(60)
    expect(state.asked).toBe(0)
    follow('laptop')
    follow('phone', claimsOf({ sid: phone }))
    await delay(60)
    // Fresh: nobody is asked.
    expect([state.asked, ends]).toEqual([0, []])
    state.fresh = false
    await until(() => state.asked >= 4)
    expect(ends).toEqual([])
    state.verdict = async () => 'LOGGED_OUT'
    await until(() => ends.length === 2)
    expect(ends.sort()).toEqual(['laptop: LOGGED_OUT', 'phone: LOGGED_OUT'])
    const { asked } = state
    await delay(60)
    expect(state.asked).toBe(asked)
  })

  it('the primary is asked again only once it has answered', async () => {
    const { state, ends, follow } = open({ leaseMs: 20 })
    let answer: (reason: Reason | undefined) => void = () => {}
    state.verdict = () =>
      new Promise(resolve => {
        answer = resolve
      })
    state.fresh = false
    follow('laptop')
    await until(() => state.asked > 0)
    await delay(80)
    expect(state.asked).toBe(1)
    answer(undefined)
    await until(() => state.asked > 1)
    expect(ends).toEqual([])
    answer('USER_BLOCKED')
    await until(() => ends.length > 0)
    expect(ends).toEqual(['laptop: USER_BLOCKED'])
  })

  it('a token ends that nobody can be asked about, as unavailable', async () => {
    const { state, ends, follow } = open({ leaseMs: 20 })
    state.verdict = () => Promise.reject(new Error('The database does not answer.'))
    state.fresh = false
    follow('laptop')
    await until(() => ends.length > 0)
    expect(ends).toEqual(['laptop: UNAVAILABLE'])
  })

  it('every half lease', async () => {
    const { setInterval: real } = globalThis
    const intervals: (number | undefined)[] = []
    globalThis.setInterval = ((run: () => void, ms?: number) => {
      intervals.push(ms)
      return real(run, ms)
    }) as typeof real
    try {
      open({ leaseMs: 5000 })
      expect(intervals).toEqual([2500])
    } finally {
      globalThis.setInterval = real
    }
  })
})

it('Everything that is watched ends as unavailable when the node closes, and nothing is heard or asked after that', async () => {
  const { view, state, watch, ends, follow } = open({ leaseMs: 20 })
  follow('laptop')
  follow('phone', claimsOf({ sid: phone }))
  watch.close()
  expect(ends).toEqual(['laptop: UNAVAILABLE', 'phone: UNAVAILABLE'])
  state.fresh = false
  follow('late')
  view.apply([kill('user', ada, 'USER_BLOCKED')])
  await delay(60)
  expect([state.asked, ends.length]).toEqual([0, 2])
})

it('The verifiers are told which keys verify, at once and after every change, until that is ended', () => {
  const told: unknown[] = []
  const listeners = new Set<() => void>()
  let keys = [{ kid: 'one' }]
  const stop = tellKeys({
    config: { issuer: 'the issuer' },
    keys: {
      jwks: () => ({ keys }),
      subscribe(listener: () => void) {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
    },
    revocation: { feed: { tellKeys: (issuer: string, all: unknown) => told.push([issuer, all]) } },
  } as never)
  expect(told).toEqual([['the issuer', [{ kid: 'one' }]]])
  keys = [{ kid: 'two' }]
  for (const listener of listeners) listener()
  expect(told.slice(1)).toEqual([['the issuer', [{ kid: 'two' }]]])
  stop()
  expect(listeners.size).toBe(0)
})
