import { describe, expect, it } from '@jest/globals'
import { createPostgresDatabase, onPostgres } from '../support/database.ts'
import { runChaos } from './chaos/chaos.ts'

const onlyPostgres = onPostgres ? it : it.skip

describe('chaos', () => {
  // `npm run chaos` is the long one. SEED repeats a run.
  onlyPostgres(
    'signs no honest user out, and catches every thief',
    async () => {
      const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
      const databaseUrl = await createPostgresDatabase()
      const report = await runChaos({
        databaseUrl,
        seed,
        rotations: 300,
        families: 8,
        thefts: 8,
        killEverySeconds: 3,
      })
      expect({ seed, ...report }).toMatchObject({ honestSignedOut: [], honestStuck: 0, uncaught: [] })
      expect(report.rotations).toBeGreaterThanOrEqual(300)
      expect(report.lostResponses).toBeGreaterThan(20)
    },
    90_000,
  )
})
