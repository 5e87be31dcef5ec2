import { describe, expect, it } from '@jest/globals'
import { createPostgresDatabase, onPostgres, temporaryDirectory } from '../support/database.ts'
import { openRandom } from './chaos/random.ts'
import { openEmbeddedBed, openPostgresBed } from './kills/beds.ts'
import { runKills } from './kills/runKills.ts'

describe('a process that is killed amid mutations', () => {
  // `npm run kills` is the long one. SEED repeats a run.
  it('has done each of them wholly or not at all, and those that it answered wholly', async () => {
    const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
    const bed = onPostgres
      ? openPostgresBed(await createPostgresDatabase())
      : openEmbeddedBed(await temporaryDirectory())
    const report = await runKills(bed, { kills: onPostgres ? 8 : 3, mutations: 10, random: openRandom(seed) })
    await bed.close()
    expect({ seed, ...report }).toMatchObject({ problems: [] })
    expect(report.answered + report.doneUnanswered).toBeGreaterThan(0)
  }, 120_000)
})
