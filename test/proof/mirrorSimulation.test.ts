import { expect, test } from '@jest/globals'
import { mirrorFlaws } from './simulation/mirrorFlaws.ts'
import { type MirrorFlaw, simulateMirror } from './simulation/mirrorSimulation.ts'

/* `SEED=123 npx jest mirrorSimulation` replays one schedule. */

const { SEED } = process.env
const schedules = 1000
const seeds = SEED === undefined ? Array.from({ length: schedules }, (_, seed) => seed) : [Number(SEED)]

test('Redis never has "fresh" without a revocation that has returned, in 1,000 schedules', async () => {
  let returned = 0
  for (const seed of seeds) {
    const outcome = await simulateMirror(seed)
    if (outcome.violations.length > 0 || outcome.complaints.length > 0)
      throw new Error(`SEED=${seed} ${JSON.stringify(outcome, undefined, 2)}`)
    returned += outcome.returned
  }
  // The promise was made often enough to be broken.
  expect(returned).toBeGreaterThan(4 * seeds.length - 10)
}, 300_000)

test.each(Object.entries<MirrorFlaw>(mirrorFlaws))(
  'the schedules find %s',
  async (_name, flaw) => {
    let seed = 0
    while (seed < schedules && (await simulateMirror(seed, flaw)).violations.length === 0) seed++
    expect(seed).toBeLessThan(schedules)
  },
  120_000,
)
