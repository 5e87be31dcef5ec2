import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import postgres from 'postgres'
import { allFresh, metric } from '../proof/prove/faults.ts'
import { type Family, populate } from '../proof/prove/population.ts'
import { asksWho, send } from '../proof/prove/send.ts'
import { type RevokingMutation, verbs } from '../proof/prove/verbs.ts'
import { type Cluster, type ClusterNode, startCluster } from '../support/cluster.ts'
import { createPostgresDatabase, onPostgres } from '../support/database.ts'
import { until } from '../support/until.ts'

/* What a revoking mutation waits for, seen from outside, on real processes. */

const onlyPostgres = onPostgres ? it : it.skip

const leaseMs = 1500
/** The longest that a stopped node can hold up a mutation: clocks may run 5 % apart. */
const boundMs = leaseMs * 1.05
/** How late timers may be on a loaded machine. */
const lateMs = 3000

let cluster: Cluster
let sql: postgres.Sql
let families: Family[]
beforeAll(async () => {
  if (!onPostgres) return
  const databaseUrl = await createPostgresDatabase()
  sql = postgres(databaseUrl, { max: 1, onnotice: () => {} })
  cluster = await startCluster({ databaseUrl, leaseMs })
  families = await populate(cluster, 8)
  await settle()
}, 60_000)
afterAll(async () => {
  if (!onPostgres) return
  await cluster.close()
  await sql.end()
})

/** All have joined, are fresh, and have been connected for a lease: from then on no barrier waits for time. */
async function settle(): Promise<void> {
  await until(async () => (await rowsOfNodes()) === 3)
  await until(() => allFresh(cluster))
  await new Promise(resolve => setTimeout(resolve, boundMs))
}

/** Asks by one node to log out, with a family's token. */
function logout(node: ClusterNode, { laptop }: Family) {
  return send(node.url, { query: 'mutation { logout }', token: laptop.access.text })
}

function me(node: ClusterNode, { laptop }: Family) {
  return send(node.url, { query: asksWho, token: laptop.access.text })
}

function three(): [ClusterNode, ClusterNode, ClusterNode] {
  const [one, two, other] = cluster.nodes
  if (!one || !two || !other) throw new Error('Three nodes should run.')
  return [one, two, other]
}

function family(): Family {
  const next = families.pop()
  if (next === undefined) throw new Error('No family is left.')
  return next
}

async function rowsOfNodes(): Promise<number> {
  return (await sql`select from annul.nodes`).length
}

/** What revocations have committed, whether or not their mutations have returned. */
async function countRevocations(): Promise<number> {
  return (await sql`select from annul.revocations`).length
}

describe('a revoking mutation', () => {
  onlyPostgres('returns when all nodes refuse, long before the lease is over (ASVS 5.0 7.4.1)', async () => {
    const [one, two, other] = three()
    const ada = family()
    const { data, revokedOnAllNodesMs } = await logout(one, ada)
    expect(data).toEqual({ logout: true })
    expect(revokedOnAllNodesMs).toBeGreaterThan(0)
    expect(revokedOnAllNodesMs).toBeLessThan(leaseMs)
    const verdicts = await Promise.all([one, two, other].map(async node => (await me(node, ada)).verdict))
    expect(verdicts).toEqual(['LOGGED_OUT', 'LOGGED_OUT', 'LOGGED_OUT'])
  })

  onlyPostgres(
    'waits for a stopped node no longer than its lease, and the next one not at all',
    async () => {
      const [one, two, stopped] = three()
      const ada = family()
      stopped.signal('SIGSTOP')
      const first = await logout(one, ada)
      expect(first.data).toEqual({ logout: true })
      // Its last beat may have been seen a moment before.
      expect(first.revokedOnAllNodesMs).toBeGreaterThan(leaseMs / 2)
      expect(first.revokedOnAllNodesMs).toBeLessThan(boundMs + lateMs)
      await until(async () => (await rowsOfNodes()) === 2)

      const second = await logout(two, family())
      expect(second.data).toEqual({ logout: true })
      expect(second.revokedOnAllNodesMs).toBeLessThan(leaseMs)

      // It knows by its clocks that it knows nothing, asks the rows, and joins anew.
      stopped.signal('SIGCONT')
      expect((await me(stopped, ada)).verdict).toBe('LOGGED_OUT')
      await settle()
    },
    60_000,
  )

  onlyPostgres(
    'waits also when it refuses because another has done it already',
    async () => {
      const [one, two, stopped] = three()
      const [admin] = await populate(cluster, 1, { roles: ['admin'] })
      if (admin === undefined) throw new Error('There should be an admin.')
      for (const [name, refusal] of [
        ['deleteUser', 'NOT_FOUND'],
        ['theft', 'REFRESH_REUSED'],
      ] as const) {
        const mutation: RevokingMutation = verbs[name](family(), admin.laptop.access)
        const dead = await countRevocations()
        stopped.signal('SIGSTOP')
        const first = send(one.url, mutation.operation)
        await until(async () => (await countRevocations()) > dead)
        const second = await send(two.url, mutation.operation)
        expect(second.verdict).toBe(refusal)
        expect(second.revokedOnAllNodesMs).toBeGreaterThan(leaseMs / 2)
        expect((await first).verdict).toBe(mutation.done)
        stopped.signal('SIGCONT')
        await settle()
      }
    },
    60_000,
  )

  onlyPostgres(
    'is ended by itself when its client goes away, and nodes that died are forgotten',
    async () => {
      const [one, two, killed] = three()
      const ada = family()
      const before = await metric(one, 'annul_revocation_wait_seconds_count')
      await killed.kill()
      expect(await rowsOfNodes()).toBe(3)
      const sent = request(`${one.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${ada.laptop.access.text}` },
      })
      sent.on('error', () => {})
      sent.end(JSON.stringify({ query: 'mutation { logout }' }))
      const ended = () =>
        sql`select from annul.sessions where id = ${ada.laptop.session} and ended_at is not null`
      await until(async () => (await ended()).length === 1)
      sent.destroy()
      // It was still waiting then, for the one that is dead.
      expect(await metric(one, 'annul_revocation_wait_seconds_count')).toBe(before)

      await until(async () => (await metric(one, 'annul_revocation_wait_seconds_count')) === before + 1)
      await until(async () => (await rowsOfNodes()) === 2)
      expect((await me(two, ada)).verdict).toBe('LOGGED_OUT')
      const next = await logout(two, family())
      expect(next.data).toEqual({ logout: true })
      expect(next.revokedOnAllNodesMs).toBeLessThan(leaseMs)
    },
    60_000,
  )
})
