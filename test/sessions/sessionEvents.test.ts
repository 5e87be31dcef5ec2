import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import type { Parts } from '../../src/parts.ts'
import { logoutViewer } from '../../src/sessions/logout.ts'
import { revokeSessions } from '../../src/sessions/revokeSessions.ts'
import { openSessionEvents, type SessionEvent, type SessionEvents } from '../../src/sessions/sessionEvents.ts'
import { useServer } from '../support/server.ts'
import { until } from '../support/until.ts'
import { makePerson, type Person, setSession } from './person.ts'

/* What listeners hear of a user's sessions. The test makes the polls happen. Over sockets: test/graphql. */

const server = useServer()
let ada: Person
let bob: Person
const opened: SessionEvents[] = []
const warned: unknown[][] = []

/** Events whose polls the test makes. `every` is the time between two of them. */
function open(change: Partial<Parts> = {}) {
  const { setInterval: real } = globalThis
  let poll = () => {}
  let every: number | undefined
  globalThis.setInterval = ((run: () => void, ms?: number) => {
    poll = run
    every = ms
    return real(() => {}, 1_000_000)
  }) as typeof real
  try {
    const { parts } = server.auth
    const log = { ...parts.log, warn: (...line: unknown[]) => void warned.push(line) }
    const events = openSessionEvents({ ...parts, log, ...change })
    opened.push(events)
    return { events, poll: () => poll(), every }
  } finally {
    globalThis.setInterval = real
  }
}
beforeEach(async () => {
  ;[ada, bob] = [await makePerson(server), await makePerson(server)]
})
afterEach(() => {
  for (const events of opened.splice(0)) events.close()
  warned.length = 0
})

/** Collects what an iterator says. */
function hear(iterator: AsyncIterableIterator<SessionEvent>): string[] {
  const heard: string[] = []
  void (async () => {
    for await (const { kind, session, reason } of iterator) heard.push([kind, session.id, reason].join(' '))
    heard.push('end')
  })()
  return heard
}

describe('the events of a user’s sessions', () => {
  it('are those from now on: of sessions that open, each once, and of those that end', async () => {
    const before = await ada.signIn()
    const { events, poll, every } = open()
    expect(every).toBe(1000)
    const heard = hear(await events.of(ada.userId))
    const others = hear(await events.of(bob.userId))
    const laptop = await ada.signIn()
    poll()
    await until(() => heard.length > 0)
    poll()
    await delay(50)
    expect(heard).toEqual([`OPENED ${laptop.sessionId} `])
    const phone = await ada.signIn()
    poll()
    await until(() => heard.length > 1)
    await logoutViewer(server.auth.parts, laptop.viewer)
    await until(() => heard.length > 2)
    await logoutViewer(server.auth.parts, before.viewer)
    await until(() => heard.length > 3)
    expect(heard.slice(1)).toEqual([
      `OPENED ${phone.sessionId} `,
      `ENDED ${laptop.sessionId} LOGGED_OUT`,
      `ENDED ${before.sessionId} LOGGED_OUT`,
    ])
    expect(others).toEqual([])
  })

  it('tell when the session was opened or ended, and the row', async () => {
    const { events, poll } = open()
    const iterator = await events.of(ada.userId)
    expect(iterator[Symbol.asyncIterator]()).toBe(iterator)
    const laptop = await ada.signIn()
    poll()
    const first = await iterator.next()
    const { createdAt } = first.value.session
    expect(first).toEqual({
      done: false,
      value: {
        kind: 'OPENED',
        reason: null,
        at: createdAt,
        session: expect.objectContaining({ id: laptop.sessionId }),
      },
    })
    await logoutViewer(server.auth.parts, laptop.viewer)
    const second = await iterator.next()
    expect(second.value).toMatchObject({ kind: 'ENDED', reason: 'LOGGED_OUT' })
    expect(second.value.at).toEqual(second.value.session.endedAt)
    expect(first.value.session).not.toHaveProperty('attempts')
  })

  it('are heard by all who listen, until they leave', async () => {
    const { events, poll } = open()
    const [one, other] = [await events.of(ada.userId), await events.of(ada.userId)]
    const [heard, more] = [hear(one), hear(other)]
    await ada.signIn()
    poll()
    await until(() => heard.length + more.length === 2)
    expect(await one.return?.()).toEqual({ done: true, value: undefined })
    await until(() => heard.at(-1) === 'end')
    expect(await one.next()).toEqual({ done: true, value: undefined })
    await ada.signIn()
    poll()
    await until(() => more.length === 2)
    expect(heard).toHaveLength(2)
    await other.return?.()
  })

  it('wait for a listener, at most a hundred, and the oldest go', async () => {
    const { events, poll } = open()
    const iterator = await events.of(ada.userId)
    const { sessionId } = await ada.signIn()
    await server.rows(sql`insert into annul.sessions
      (id, user_id, session_version, epoch, idle_expires_at, expires_at, auth_time, created_at)
      select gen_random_uuid(), user_id, session_version, epoch, idle_expires_at, expires_at, auth_time,
        created_at + make_interval(secs => n / 1000.0)
      from annul.sessions, generate_series(1, 103) n where id = ${sessionId}`)
    poll()
    // The first is handed over at once. All others wait by then.
    const heard: SessionEvent[] = [(await iterator.next()).value]
    while (heard.length < 101) {
      const { done, value } = await iterator.next()
      expect(done).toBe(false)
      heard.push(value)
    }
    const last = iterator.next()
    const pending = await Promise.race([last, delay(30)])
    expect(pending).toBeUndefined()
    expect(new Set(heard.map(({ session }) => session.id)).size).toBe(101)
    await iterator.return?.()
    expect(await last).toEqual({ done: true, value: undefined })
  })

  it('tell of a session that became visible late, and of none that was there long before', async () => {
    const late = await ada.signIn()
    const old = await ada.signIn()
    await setSession(server, old.sessionId, sql`created_at = now() - interval '50 s'`)
    const { events, poll } = open()
    const heard = hear(await events.of(ada.userId))
    await setSession(server, old.sessionId, sql`created_at = now() - interval '20 s'`)
    await setSession(server, late.sessionId, sql`created_at = now() - interval '20 s'`)
    const [visible, gone] = [await ada.signIn(), await ada.signIn()]
    await setSession(server, visible.sessionId, sql`created_at = now() - interval '25 s'`)
    await setSession(server, gone.sessionId, sql`created_at = now() - interval '35 s'`)
    poll()
    await until(() => heard.length > 0)
    await delay(50)
    // `old` and `late` were there when the listener came.
    expect(heard).toEqual([`OPENED ${visible.sessionId} `])
  })

  it('are not asked for while nobody listens', async () => {
    const { parts } = server.auth
    let asked = 0
    const db = new Proxy(parts.db, {
      get(target, name, receiver) {
        if (name === 'select') asked++
        const value = Reflect.get(target, name, receiver)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
    const { events, poll } = open({ db })
    const laptop = await ada.signIn()
    poll()
    await logoutViewer(parts, laptop.viewer)
    await delay(30)
    expect(asked).toBe(0)
    const iterator = await events.of(ada.userId)
    expect(asked).toBe(1)
    // A kill of the whole user names no session.
    await revokeSessions(parts, (await bob.signIn()).viewer)
    await delay(30)
    expect(asked).toBe(1)
    await iterator.return?.()
    expect(await iterator.return?.()).toEqual({ done: true, value: undefined })
    poll()
    await logoutViewer(parts, (await ada.signIn()).viewer)
    await delay(30)
    expect(asked).toBe(1)
  })

  it('are asked for once at a time, and anew after a failure, which the operator hears of', async () => {
    const { parts } = server.auth
    const failure = new Error('The database does not answer.')
    let fails = false
    let asked = 0
    let answer = () => {}
    const db = new Proxy(parts.db, {
      get(target, name, receiver) {
        const value = Reflect.get(target, name, receiver)
        if (name !== 'select') return typeof value === 'function' ? value.bind(target) : value
        return (...all: unknown[]) => {
          asked++
          if (!fails) return Reflect.apply(value as () => unknown, target, all)
          const where = () =>
            new Promise((_, reject) => {
              answer = () => reject(failure)
            })
          return { from: () => ({ where }) }
        }
      },
    })
    const { events, poll } = open({ db })
    const heard = hear(await events.of(ada.userId))
    fails = true
    asked = 0
    poll()
    poll()
    await delay(10)
    expect(asked).toBe(1)
    answer()
    await until(() => warned.length > 0)
    const told = [{ err: failure }, 'Session events could not be read.']
    expect(warned).toEqual([told])
    // So of an end, too.
    const laptop = await ada.signIn()
    await logoutViewer(parts, laptop.viewer)
    await until(() => asked > 1)
    answer()
    await until(() => warned.length > 1)
    expect(warned).toEqual([told, told])
    fails = false
    poll()
    await until(() => heard.length > 0)
    expect(heard).toEqual([`OPENED ${laptop.sessionId} `])
  })

  it('that come when the last listener has just left are nobody’s', async () => {
    const { events, poll } = open()
    const iterator = await events.of(ada.userId)
    await ada.signIn()
    poll()
    await iterator.return?.()
    const laptop = await ada.signIn()
    const heard = hear(await events.of(ada.userId))
    await logoutViewer(server.auth.parts, laptop.viewer)
    await until(() => heard.length > 0)
    expect(warned).toEqual([])
  })

  it('end with the server', async () => {
    const { events } = open()
    const heard = hear(await events.of(ada.userId))
    const others = hear(await open().events.of(ada.userId))
    const laptop = await ada.signIn()
    events.close()
    await logoutViewer(server.auth.parts, laptop.viewer)
    await until(() => others.length > 0)
    await delay(50)
    expect(heard).toEqual([])
  })
})
