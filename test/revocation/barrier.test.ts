import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, test as anywhere, beforeEach, expect } from '@jest/globals'
import { onPostgres } from '../support/database.ts'
import { type NodeProxy, startProxy } from '../support/proxy.ts'
import { type Nodes, openNodes, until, verdictOf } from './nodes.ts'

// The embedded database serves one process: there is nobody to follow and nobody to wait for.
const test = onPostgres ? anywhere : anywhere.skip

let nodes: Nodes
let proxy: NodeProxy
/** To the database through the proxy. */
let proxied: string

beforeEach(async () => {
  nodes = await openNodes()
  const url = new URL(nodes.url)
  proxy = await startProxy({ host: url.hostname, port: Number(url.port) })
  url.port = String(proxy.port)
  proxied = url.href
})

afterEach(async () => {
  await nodes.close()
  await proxy.close()
})

/** Far longer than a wait that a lease does not end, also on a busy machine. */
const leaseMs = 1500
/** Until a new connection is trusted. */
const trusted = () => delay(leaseMs * 1.1)

test('when the barrier returns every node refuses, long before a lease is over', async () => {
  const three = await Promise.all([1, 2, 3].map(() => nodes.start({ leaseMs })))
  await trusted()
  for (const node of three) {
    const { sid, xid } = await nodes.revoke()
    expect(await node.barrier(xid)).toBeLessThan(leaseMs / 2)
    expect(three.map(each => each.isFresh() && verdictOf(each, sid))).toEqual(Array(3).fill('LOGGED_OUT'))
  }
})

test('a verb that found nothing left to do waits for what another one did', async () => {
  const [one, other] = await Promise.all([nodes.start({ leaseMs }), nodes.start({ leaseMs })])
  await trusted()
  const { sid } = await nodes.revoke({ notify: false })
  expect(await one.barrier()).toBeLessThan(leaseMs / 2)
  expect(verdictOf(other, sid)).toBe('LOGGED_OUT')
})

test('what a verb appended is refused at once by its own node', async () => {
  const node = await nodes.start({ leaseMs })
  const sid = randomUUID()
  void node.barrier('3', [{ kind: 'session', subject: sid, reason: 'LOGGED_OUT' }])
  expect(verdictOf(node, sid)).toBe('LOGGED_OUT')
})

test('a node that hangs costs one mutation its lease, and then is forgotten', async () => {
  const node = await nodes.start({ leaseMs, longestLeaseMs: 10 * leaseMs })
  const hanging = await nodes.start({ leaseMs, url: proxied })
  await trusted()
  proxy.set('drop')
  const first = await nodes.revoke()
  const waited = await node.barrier(first.xid)
  expect(hanging.isFresh()).toBe(false)
  expect(waited).toBeGreaterThanOrEqual(leaseMs * 1.05)
  expect(waited).toBeLessThan(leaseMs * 1.5)
  await until(async () => (await nodes.sql`select 1 from annul.nodes`).length === 1, leaseMs * 0.8)

  const second = await nodes.revoke()
  expect(await node.barrier(second.xid)).toBeLessThan(leaseMs / 2)
  proxy.set('forward')
})

test('a node that hangs is forgotten also by a node whose database answers late', async () => {
  const hanging = await nodes.start({ leaseMs, url: proxied })
  const slow = new URL(nodes.url)
  const delaying = await startProxy({ host: slow.hostname, port: Number(slow.port) })
  slow.port = String(delaying.port)
  const node = await nodes.start({ leaseMs, url: slow.href })
  await trusted()
  proxy.set('drop')
  delaying.delay(leaseMs / 10)
  const { xid } = await nodes.revoke()
  await node.barrier(xid)
  expect(hanging.isFresh()).toBe(false)
  await until(async () => (await nodes.sql`select 1 from annul.nodes`).length === 1)
  proxy.set('forward')
  await delaying.close()
})

test('when the database is lost after the commit the barrier waits out the longest lease that is allowed', async () => {
  const longestLeaseMs = 2 * leaseMs
  const node = await nodes.start({ leaseMs, longestLeaseMs, url: proxied })
  await trusted()
  const { xid } = await nodes.revoke()
  proxy.set('drop')
  const waited = await node.barrier(xid)
  expect(waited).toBeGreaterThanOrEqual(longestLeaseMs * 1.05)
  expect(waited).toBeLessThan(longestLeaseMs * 1.5)
  expect(node.isFresh()).toBe(false)
  expect(await node.barrier()).toBeGreaterThanOrEqual(longestLeaseMs * 1.05)
  proxy.set('forward')
})

test('a node that revokes in its first moment waits for the longer lease of another node', async () => {
  const slow = await nodes.start({ leaseMs: 3 * leaseMs, url: proxied })
  const quick = await nodes.start({ leaseMs, longestLeaseMs: 10 * leaseMs })
  proxy.set('drop')
  const { sid, xid } = await nodes.revoke()
  const waited = await quick.barrier(xid)
  // The other node has decided from memory until a moment ago.
  expect(waited).toBeGreaterThanOrEqual(3 * leaseMs * 1.05)
  expect(waited).toBeLessThan(5 * leaseMs)
  expect(slow.isFresh()).toBe(false)
  expect(verdictOf(quick, sid)).toBe('LOGGED_OUT')
  proxy.set('forward')
})

test('a node that has just connected waits until its connection is one lease old', async () => {
  const node = await nodes.start({ leaseMs })
  const { xid } = await nodes.revoke()
  const waited = await node.barrier(xid)
  expect(waited).toBeGreaterThan(leaseMs / 2)
  expect(waited).toBeLessThan(leaseMs * 1.5)
})

test('many who wait share the looks at the other nodes', async () => {
  const node = await nodes.start({ leaseMs })
  await trusted()
  const revocations = await Promise.all(Array.from({ length: 100 }, () => nodes.revoke()))
  const waited = await Promise.all(revocations.map(({ xid }) => node.barrier(xid)))
  expect(Math.max(...waited)).toBeLessThan(leaseMs / 2)
  expect(revocations.map(({ sid }) => verdictOf(node, sid))).toEqual(Array(100).fill('LOGGED_OUT'))
})
