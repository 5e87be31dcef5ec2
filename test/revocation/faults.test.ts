import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import postgres from 'postgres'
import { allFresh, faults, plantedBug, prove, type TestBed } from '../proof/prove/faults.ts'
import { startCluster } from '../support/cluster.ts'
import { onPostgres } from '../support/database.ts'
import { startPostgres } from '../support/postgres.js'
import { until } from '../support/until.ts'

/*
 * Three nodes, two services with a verifier, one PostgreSQL, and clients that never pause. The checker looks at what they really saw; nothing
 * here looks into a node.
 */

const onlyPostgres = onPostgres ? it : it.skip

let testBed: TestBed
beforeAll(async () => {
  if (!onPostgres) return
  // One of its own, since it is crashed.
  const server = await startPostgres({ flags: ['track_commit_timestamp=on'] })
  await server.createDatabase('faults')
  const databaseUrl = server.urlOf('faults')
  const cluster = await startCluster({ databaseUrl })
  await Promise.all([cluster.startVerifier(), cluster.startVerifier()])
  testBed = { cluster, postgres: server, sql: postgres(databaseUrl, { max: 1, onnotice: () => {} }) }
  await until(() => allFresh(cluster))
}, 60_000)

afterAll(async () => {
  if (!onPostgres) return
  await testBed.cluster.close()
  await testBed.sql.end()
  await testBed.postgres.stop()
}, 60_000)

describe('no request is accepted that started after the revocation of its token had returned, and nobody is logged out, when', () => {
  for (const [name, fault] of Object.entries(faults))
    onlyPostgres(
      name,
      async () => {
        const { records } = await prove(testBed, fault)
        const { violations, lateWrites, complaints, ...counted } = records.verdict()
        const found = { violations, lateWrites, complaints }
        expect(found).toEqual({ violations: [], lateWrites: [], complaints: [] })
        // The promise was made, and it was put to the test.
        expect(counted.revocations).toBeGreaterThan(10)
        expect(counted.tests).toBeGreaterThan(100)
        expect(counted.accepted).toBeGreaterThan(100)
        expect(counted.writes).toBeGreaterThan(10)
      },
      60_000,
    )
})

describe('the checker', () => {
  onlyPostgres(
    'finds a node that acknowledges revocations and does not learn them',
    async () => {
      const { records } = await prove(testBed, plantedBug)
      const { violations, complaints } = records.verdict()
      expect(complaints).toEqual([])
      expect(violations.length).toBeGreaterThan(0)
      const names = new Set(violations.map(({ request }) => request.node))
      expect(names.size).toBe(1)
      expect(testBed.cluster.nodes.map(({ name }) => name)).not.toContain([...names][0])
    },
    60_000,
  )
})
