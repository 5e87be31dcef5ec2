import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { allFresh, metric } from '../proof/prove/faults.ts'
import { type Family, inParallel, populate } from '../proof/prove/population.ts'
import { asksWho, send } from '../proof/prove/send.ts'
import { type Cluster, type ClusterNode, startCluster } from '../support/cluster.ts'
import { onPostgres } from '../support/database.ts'
import { createLoggedDatabase, type LoggedDatabase } from '../support/statements.ts'
import { until } from '../support/until.ts'

/* Counted by PostgreSQL, which writes down each statement; only the follower's own (`annul-follow`) are left out. */

const onlyPostgres = onPostgres ? it : it.skip

let database: LoggedDatabase
let cluster: Cluster
let families: Family[]
let byMemory: ClusterNode
let strict: ClusterNode

beforeAll(async () => {
  if (!onPostgres) return
  database = await createLoggedDatabase()
  // A lease that outlasts any pause of a loaded machine: what is counted here is not about being late.
  const env = { ANNUL_LEASE_MS: '30000' }
  cluster = await startCluster({
    databaseUrl: database.env.DATABASE_URL ?? '',
    leaseMs: 30_000,
    nodes: 1,
    env,
  })
  strict = await cluster.start({ env: { ...env, ANNUL_REVOCATION: 'strict' } })
  byMemory = cluster.nodes[0] ?? strict
  await until(() => allFresh(cluster))
  families = await populate(cluster, 10)
})

afterAll(async () => {
  if (!onPostgres) return
  await cluster.close()
  await database.close()
})

/** @returns the statements that so many requests cost, sent in so many lines */
async function costOf(node: ClusterNode, requests: number, width: number): Promise<string[]> {
  await database.statements()
  const tokens = families.flatMap(({ laptop, phone }) => [laptop.access, phone.access])
  const verdicts = new Set<string>()
  await inParallel(
    width,
    Array.from({ length: requests }, (_, index) => tokens[index % tokens.length]),
    async access => {
      const { verdict, data } = await send(node.url, { query: asksWho, token: access?.text })
      verdicts.add(isDeepStrictEqual(data, { me: { id: access?.claims.user } }) ? 'accepted' : verdict)
    },
  )
  expect([...verdicts]).toEqual(['accepted'])
  return database.statements()
}

/** Once in half a minute a node reads the signing keys again, whether or not it is asked anything. */
function ofRequests(statements: string[]): string[] {
  return statements.filter(text => !text.includes('"annul"."signing_keys"'))
}

describe('an authenticated request costs', () => {
  onlyPostgres(
    'no statement where memory decides, over 10,000 requests',
    async () => {
      expect(ofRequests(await costOf(byMemory, 10_000, 16))).toEqual([])
      expect(await metric(byMemory, 'annul_decisions_total{path="view",outcome="accepted"}')).toBe(10_000)
    },
    120_000,
  )

  onlyPostgres(
    'exactly one statement where the setting is strict, and less where many ask at once',
    async () => {
      const oneByOne = ofRequests(await costOf(strict, 200, 1))
      expect(oneByOne).toHaveLength(200)
      expect(new Set(oneByOne).size).toBe(1)
      const atOnce = ofRequests(await costOf(strict, 1000, 32))
      expect(atOnce.length).toBeGreaterThan(0)
      expect(atOnce.length).toBeLessThan(1000)
      expect(new Set(atOnce)).toEqual(new Set(oneByOne))
      expect(await metric(strict, 'annul_decisions_total{path="strict",outcome="accepted"}')).toBe(1200)
    },
    60_000,
  )
})
