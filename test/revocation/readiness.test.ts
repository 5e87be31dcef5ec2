import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import postgres from 'postgres'
import { metric } from '../proof/prove/faults.ts'
import { type Family, populate } from '../proof/prove/population.ts'
import { asksWho, send } from '../proof/prove/send.ts'
import { type Cluster, type ClusterNode, startCluster } from '../support/cluster.ts'
import { createPostgresDatabase, onPostgres } from '../support/database.ts'
import { until } from '../support/until.ts'

const onlyPostgres = onPostgres ? it : it.skip

let cluster: Cluster
let sql: postgres.Sql
let family: Family
/** With a lease that is over at once, and with one that lasts longer than any test. */
let short: ClusterNode
let long: ClusterNode
beforeAll(async () => {
  if (!onPostgres) return
  const databaseUrl = await createPostgresDatabase()
  sql = postgres(databaseUrl, { max: 1, onnotice: () => {} })
  cluster = await startCluster({ databaseUrl, leaseMs: 300, nodes: 1 })
  long = await cluster.start({ env: { ANNUL_LEASE_MS: '60000' } })
  short = cluster.nodes[0] ?? long
  const [first] = await populate(cluster, 1)
  if (first) family = first
}, 60_000)
afterAll(async () => {
  if (!onPostgres) return
  await cluster.close()
  await sql.end()
})

async function ready({ url }: ClusterNode) {
  const response = await fetch(`${url}/readyz`)
  return { status: response.status, body: await response.json() }
}

async function verdict({ url }: ClusterNode) {
  const { verdict } = await send(url, { query: asksWho, token: family.laptop.access.text })
  return verdict
}

async function isFresh(node: ClusterNode): Promise<boolean> {
  return (await metric(node, 'annul_view_age_seconds')) < 0.3
}

const yes = { status: 200, body: { status: 'ready' } }
const no = { status: 503, body: { status: 'unavailable' } }

describe('/readyz', () => {
  onlyPostgres('is 200 while the database answers, though the view is not fresh', async () => {
    await until(() => isFresh(short))
    // Beats wait for this lock; reading the primary does not.
    await sql.begin(async tx => {
      await tx`lock table annul.nodes in access exclusive mode`
      await until(async () => !(await isFresh(short)))
      const strictly = 'annul_decisions_total{path="strict",outcome="accepted"}'
      const before = (await metric(short, strictly)) || 0
      expect([await ready(short), await verdict(short)]).toEqual([yes, 'accepted'])
      expect(await metric(short, strictly)).toBe(before + 1)
    })
  })

  onlyPostgres('is 200 while the view is fresh, though the database does not answer', async () => {
    await until(async () => (await metric(long, 'annul_view_age_seconds')) < 60)
    long.proxy.set('drop')
    expect([await ready(long), await verdict(long)]).toEqual([yes, 'accepted'])
    long.proxy.set('forward')
  })

  onlyPostgres('is 503 while neither holds, with guarded fields 503 too and public ones served', async () => {
    short.proxy.set('cut')
    await until(async () => (await ready(short)).status === 503)
    expect([await ready(short), await verdict(short)]).toEqual([no, 'UNAVAILABLE'])
    expect((await send(short.url, { query: '{ __typename }' })).data).toEqual({ __typename: 'Query' })
    expect((await fetch(`${short.url}/healthz`)).status).toBe(200)
    short.proxy.set('forward')
    await until(async () => (await ready(short)).status === 200)
    await until(() => isFresh(short))
    expect(await verdict(short)).toBe('accepted')
  })
})
