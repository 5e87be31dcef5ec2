import { randomUUID } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { createRevocation } from '../../src/revocation/createRevocation.ts'
import { type NodeFrame, readNodeFrame, writeFrame } from '../../src/revocation/feedFrames.ts'
import { postgresStore } from '../../src/revocation/postgresStore.ts'
import { onPostgres } from '../support/database.ts'
import { TestClock } from '../support/testClock.ts'
import { until } from '../support/until.ts'
import { useFixture } from '../support/useFixture.ts'
import { openNodes, verdictOf } from './nodes.ts'

/* The parts of a node together. The node's clock stands still until a test moves it; the database is a real one. */

const describePostgres = onPostgres ? describe : describe.skip
const leaseMs = 1000

describePostgres('a node', () => {
  const nodes = useFixture(openNodes)
  const entry = (subject: string) => ({ kind: 'session', subject, reason: 'LOGGED_OUT' }) as const

  function create() {
    const clock = new TestClock()
    const errors: unknown[] = []
    const store = postgresStore(nodes.url)
    const node = createRevocation({ store, leaseMs, clock, onError: error => errors.push(error) })
    return { clock, node, errors }
  }

  it('knows nothing and applies nothing before it is started', () => {
    const { node, clock } = create()
    expect([node.isFresh(), node.ageMs(), node.node(), node.databaseTime()]).toEqual([
      false,
      undefined,
      undefined,
      undefined,
    ])
    const sid = randomUUID()
    void node.barrier('3', [entry(sid)])
    expect(verdictOf(node, sid)).toBeUndefined()
    // Nothing waits for the barrier: it has no timer but the clock's.
    clock.now += 100_000
  })

  it('says who it is, how old its picture is and what time it is', async () => {
    const { node, clock } = create()
    await node.start()
    const rows = await nodes.sql`select id from annul.nodes`
    expect(rows.map(({ id }) => ({ id }))).toEqual([node.node()])
    expect([node.isFresh(), node.ageMs()]).toEqual([true, 0])
    const [found] = await nodes.sql<{ now: number }[]>`select extract(epoch from now())::float8 * 1000 as now`
    const databaseTime = Number(node.databaseTime())
    expect(Math.abs(databaseTime - Number(found?.now))).toBeLessThan(60_000)
    clock.now += 300
    expect([node.isFresh(), node.ageMs(), node.databaseTime()]).toEqual([true, 300, databaseTime + 300])
    clock.now += 700
    expect([node.isFresh(), node.ageMs()]).toEqual([false, 1000])
    await node.stop()
    expect([node.isFresh(), node.node()]).toEqual([false, undefined])
    expect(await nodes.sql`select id from annul.nodes`).toHaveLength(0)
  })

  it('tells a verifier its age, its time and its lease, and waits for the verifier before it is answered', async () => {
    const { node, clock } = create()
    await node.start()
    const frames: NodeFrame[] = []
    const link = {
      unsentBytes: 0,
      send(text: string, sent?: () => void) {
        const frame = readNodeFrame(text)
        if (frame !== undefined && frame !== 'unknown') frames.push(frame)
        sent?.()
      },
      close() {},
    }
    const connection = node.feed.attach(link, { kind: 'VERIFIER', name: 'orders' })
    connection.receive(writeFrame({ type: 'hello' }))
    await Promise.resolve()
    clock.now += 10
    connection.receive(writeFrame({ type: 'beat', k: 1, applied: 0 }))
    expect(frames.at(-1)).toEqual({ type: 'beat', k: 1, age: 10, time: node.databaseTime(), lease: leaseMs })

    const { sid, xid } = await nodes.revoke()
    let isOver = false
    const barrier = node.barrier(xid, [entry(sid)]).then(() => {
      isOver = true
    })
    expect(verdictOf(node, sid)).toBe('LOGGED_OUT')
    expect(frames.at(-1)).toMatchObject({ type: 'entries', entries: [entry(sid)], n: 1 })
    // All leases are over for others, and not for this verifier's node, whose clock has not moved.
    expect(isOver).toBe(false)
    // An entry is forgotten by the database's time.
    const [told] = frames.flatMap(frame => (frame.type === 'entries' ? frame.entries : []))
    expect(Math.abs(Number(told?.revokedAt) - Number(node.databaseTime()))).toBeLessThan(60_000)
    connection.receive(writeFrame({ type: 'bye' }))
    await clock.pass(60_000 * 1.05)
    await barrier
    await node.stop()
  })

  it('applies what it revoked only while it is fresh: later the next reading brings the row', async () => {
    const { node, clock } = create()
    await node.start()
    clock.now += leaseMs
    const sid = randomUUID()
    void node.barrier('3', [entry(sid)])
    expect(verdictOf(node, sid)).toBeUndefined()
    await node.stop()
    await clock.pass(60_000 * 1.05)
  })

  it('waits for the longest lease that is allowed where none is known', async () => {
    const { node, clock } = create()
    let waited: number | undefined
    void node.barrier('3').then(milliseconds => {
      waited = milliseconds
    })
    await clock.pass(60_000 * 1.05 - 1)
    expect(waited).toBeUndefined()
    await clock.pass(1)
    expect(waited).toBe(60_000 * 1.05)
  })

  it('tells why it gave a connection up', async () => {
    const { node, errors, clock } = create()
    await node.start()
    await nodes.sql`select pg_terminate_backend(pid) from pg_stat_activity
      where application_name = 'annul-follow' and datname = current_database()`
    await until(async () => {
      await clock.pass(50)
      return errors.length
    })
    expect(errors[0]).toBeInstanceOf(Error)
    await node.stop()
  })
})
