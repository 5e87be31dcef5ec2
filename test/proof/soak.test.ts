import { describe, expect, it } from '@jest/globals'
import { createPostgresDatabase, onPostgres } from '../support/database.ts'
import { runSoak } from './soak/soak.ts'

const onlyPostgres = onPostgres ? it : it.skip

describe('twice the load that two nodes can bear', () => {
  // `npm run soak` is the long one, which also asserts times: here another process may have the cores.
  onlyPostgres(
    'leaves their memory flat, the promise of revocation kept, and no answer wrong',
    async () => {
      const report = await runSoak({
        databaseUrl: await createPostgresDatabase(),
        seconds: Number(process.env.SOAK_SECONDS ?? 30),
      })
      expect({ ...report, complaints: report.complaints.slice(0, 5) }).toMatchObject({
        acceptedLate: [],
        complaints: [],
      })
      expect(report.checks).toBeGreaterThan(20)
      expect(report.growth).toBeLessThan(0.1)
    },
    180_000,
  )
})
