import { expect, test } from '@jest/globals'
import { simulateEmbedded } from './simulation/embedded.ts'
import { flaws } from './simulation/flaws.ts'
import type { Flaw } from './simulation/node.ts'
import { type Outcome, simulate } from './simulation/simulation.ts'

/* `SEED=123 npx jest simulation` replays one schedule. */

const { SEED } = process.env
const seeds = SEED === undefined ? Array.from({ length: 10_000 }, (_, seed) => seed) : [Number(SEED)]

test('no request is accepted that started after the revocation of its token had returned, in 10,000 schedules', async () => {
  let returned = 0
  for (const seed of seeds) {
    const outcome = await simulate(seed)
    if (isBad(outcome)) throw new Error(`SEED=${seed} ${JSON.stringify(outcome, undefined, 2)}`)
    returned += outcome.returned
  }
  // The promise was made often enough to be broken.
  expect(returned).toBeGreaterThan(5 * seeds.length - 10)
}, 300_000)

test('nor with one process on the embedded database and its verifiers, in 2,000 schedules', async () => {
  let returned = 0
  for (const seed of seeds.slice(0, 2000)) {
    const outcome = await simulateEmbedded(seed)
    if (isBad(outcome)) throw new Error(`SEED=${seed} ${JSON.stringify(outcome, undefined, 2)}`)
    returned += outcome.returned
  }
  expect(returned).toBeGreaterThan(5 * seeds.slice(0, 2000).length - 10)
}, 300_000)

test('a schedule is the same whenever it is run', async () => {
  const runs = [await simulate(7), await simulate(7)]
  expect(runs[0]).toEqual(runs[1])
  expect(runs[0]?.events).toBeGreaterThan(500)
})

test.each(Object.entries<Flaw>(flaws))(
  'the schedules find %s',
  async (_name, flaw) => {
    expect(await firstSeedThatFinds(flaw)).toBeLessThan(5000)
  },
  300_000,
)

test('the schedules find an embedded database that forgets the lease of the process before', async () => {
  let found = 0
  for (let seed = 0; seed < 20; seed++)
    found += (await simulateEmbedded(seed, { forgetsItsLease: true })).violations.length
  expect(found).toBeGreaterThan(0)
})

async function firstSeedThatFinds(flaw: Flaw): Promise<number> {
  for (let seed = 0; seed < 5000; seed++) if ((await simulate(seed, flaw)).violations.length > 0) return seed
  return Number.POSITIVE_INFINITY
}

function isBad({ violations, complaints }: Pick<Outcome, 'violations' | 'complaints'>): boolean {
  return violations.length > 0 || complaints.length > 0
}
