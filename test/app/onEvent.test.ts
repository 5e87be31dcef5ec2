import { beforeEach, describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import type { AuditEvent } from '../../src/app/auditEvent.ts'
import { openEvents } from '../../src/app/events.ts'
import { appendAudit } from '../../src/audit/appendAudit.ts'
import { auditedMutations } from '../support/auditedMutations.ts'
import { useServer } from '../support/server.ts'
import { until } from '../support/until.ts'

/** What the app does with an event, by the test. */
let onEvent: (event: AuditEvent) => unknown
let events: AuditEvent[] = []
beforeEach(() => {
  events = []
  onEvent = event => events.push(event)
})
const lines: string[] = []
const server = useServer({ app: { onEvent: event => onEvent(event) }, onLogLine: line => lines.push(line) })

const lastId = async () => {
  const [row] = await server.rows<{ id: number }>(
    sql`select coalesce(max(id), 0)::int as id from annul.audit_events`,
  )
  return row?.id ?? 0
}
const rowsSince = (id: number) =>
  server.rows<{ at: string }>(sql`
    select id::text, kind, actor_id as "actorId", user_id as "userId", session_id as "sessionId",
      host(ip_address) as "ipAddress", device, detail, to_json(at) as at
    from annul.audit_events where id > ${id} order by id`)
/** Signs up, and waits until the app has heard of it: so it has heard of everything before, too. */
async function heardAll() {
  const { userId } = await server.signUp()
  await until(() => events.some(event => event.userId === userId))
  return events.filter(event => event.userId !== userId)
}

describe('onEvent', () => {
  it.each(Object.entries(auditedMutations))(
    'is told once, and of what the row says: %s',
    async (_, prepare) => {
      const { send } = await prepare(server)
      await heardAll()
      events = []
      const before = await lastId()
      await send()
      const rows = (await rowsSince(before)).map(row => ({ ...row, at: new Date(row.at) }))
      expect(rows).toHaveLength(1)
      expect(await heardAll()).toEqual(rows)
    },
  )

  it('is not told of what did not commit', async () => {
    await server.rows(sql`create function annul.refuse() returns trigger language plpgsql as
      $$ begin raise exception 'refused'; end $$`)
    await server.rows(sql`create constraint trigger refuse after insert on annul.audit_events
      deferrable initially deferred for each row execute function annul.refuse()`)
    const { email, password } = { email: 'rolled-back@example.com', password: 'a password of the tests' }
    const input = `input: { email: "${email}", password: "${password}" }`
    const register = `mutation { register(${input}) { expiresIn } }`
    const login = `mutation { login(${input}) { expiresIn } }`
    const answers = [await server.send(register), await server.send(login)]
    await server.rows(sql`drop trigger refuse on annul.audit_events`)
    expect(answers.map(({ code }) => code)).toEqual(['INTERNAL_SERVER_ERROR', 'INTERNAL_SERVER_ERROR'])
    expect(await heardAll()).toEqual([])
  })

  it('would miss an event that is appended elsewhere, and so that is refused', async () => {
    const before = await lastId()
    const { db } = server.auth.parts
    const refusal = 'An audit event is appended in a transaction of transact().'
    await expect(appendAudit(db, { kind: 'login' })).rejects.toThrow(refusal)
    await expect(db.transaction(tx => appendAudit(tx, { kind: 'login' }))).rejects.toThrow(refusal)
    expect(await lastId()).toBe(before)
  })

  it('is told in the order of the commits, and can change nothing of what others hear', async () => {
    const account = await server.signUp()
    for (let time = 0; time < 3; time++) await server.login(account)
    await server.send('mutation { revokeSessions }', { token: account.accessToken })
    await heardAll()
    const own = events.filter(({ userId }) => userId === account.userId)
    expect(own.map(({ kind }) => kind)).toEqual(['register', 'login', 'login', 'login', 'revoke-sessions'])
    expect(own.every(event => Object.isFrozen(event))).toBe(true)
  })

  it.each([
    [
      'throws',
      () => {
        throw new Error('The queue is full.')
      },
    ],
    ['is rejected', () => Promise.reject(new Error('The queue is full.'))],
  ])('that %s is told in the log, and to no client', async (_, fail) => {
    onEvent = event => {
      events.push(event)
      return fail()
    }
    const { userId } = await server.signUp()
    const [event] = await until(
      () => events.filter(event => event.userId === userId),
      found => found.length > 0,
    )
    const line = await until(() => lines.find(text => text.includes(`"eventId":"${event?.id}"`)))
    expect(JSON.parse(line ?? '')).toMatchObject({
      msg: 'onEvent failed.',
      kind: 'register',
      err: { message: 'The queue is full.' },
    })
  })

  it('that never ends delays neither the answer nor later events', async () => {
    onEvent = event => {
      events.push(event)
      return new Promise(() => {})
    }
    const first = await server.signUp()
    const second = await server.signUp()
    await until(() => [first, second].every(({ userId }) => events.some(event => event.userId === userId)))
  })
})

describe('the queue of events', () => {
  const event = (number: number): AuditEvent => ({
    ...{ id: String(number), at: new Date(), kind: 'login', actorId: null, userId: null, sessionId: null },
    ...{ ipAddress: null, device: null, detail: null },
  })
  const logged: [object, string][] = []
  const error = (details: object, message: string) => logged.push([details, message])
  const log = { info() {}, warn() {}, error }
  beforeEach(() => {
    logged.length = 0
  })

  it('is bounded: while too many calls are unfinished, events are dropped and counted', async () => {
    const heard: string[] = []
    let finish = () => {}
    const finished = new Promise<void>(resolve => {
      finish = resolve
    })
    const queue = openEvents(
      ({ id }) => {
        heard.push(id)
        return finished
      },
      log,
      { maxUnfinished: 3 },
    )
    for (let number = 1; number <= 5; number++) queue.tell(event(number))
    expect(heard).toEqual([])
    await until(() => heard.length === 3)
    queue.tell(event(6))
    const first = [{ unfinished: 3 }, 'onEvent does not finish, and events are dropped.']
    expect(logged).toEqual([first])
    finish()
    await new Promise(setImmediate)
    queue.tell(event(7))
    await queue.close()
    expect(heard).toEqual(['1', '2', '3', '7'])
    expect(logged).toEqual([
      first,
      [{ dropped: 3 }, 'Events were dropped until onEvent finished earlier ones.'],
    ])
  })

  it('is emptied when it is closed, and its calls are waited for', async () => {
    const heard: string[] = []
    const queue = openEvents(async ({ id }) => {
      await new Promise(setImmediate)
      heard.push(id)
    }, log)
    queue.tell(event(1))
    queue.tell(event(2))
    await queue.close()
    expect(heard).toEqual(['1', '2'])
    expect(logged).toEqual([])
  })
})
