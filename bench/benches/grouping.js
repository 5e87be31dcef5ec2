import { median, medianInterval } from '../support/statistics.js'

export const title =
  'Revocations at once on 3 nodes: with the wait for all nodes, beside the same transactions alone'

const nodeCount = 3
const atOnce = 32
const perRound = 600
const goal = 0.5

export async function run(bench) {
  const url = await bench.postgres.createDatabase(bench.freshName())
  const nodes = await bench.startNodes(nodeCount, 'annul', { DATABASE_URL: url }, 'all')
  await Promise.all(nodes.map(node => node.call('untilFresh')))
  const measure = async (waits, count = perRound) => {
    const each = await Promise.all(nodes.map(node => node.call('sessions', { count: count / nodeCount })))
    const startedAt = performance.now()
    await Promise.all(
      nodes.map((node, index) =>
        node.call('logouts', {
          sessions: each[index],
          workers: Math.ceil((atOnce - index) / nodeCount),
          waits,
        }),
      ),
    )
    return (count / (performance.now() - startedAt)) * 1000
  }
  await measure(true)
  await measure(false)
  const rounds = []
  for (let round = 0; round < bench.options.rounds; round++) {
    // Neither is always the first.
    const order = round % 2 === 0 ? [true, false] : [false, true]
    const rates = new Map()
    for (const waits of order) rates.set(waits, await measure(waits))
    rounds.push({ waiting: rates.get(true), alone: rates.get(false) })
  }
  const ratios = rounds.map(({ waiting, alone }) => waiting / alone)
  const ratio = median(ratios)
  return {
    columns: [
      ['at once', row => String(row.atOnce)],
      ['with the wait, per second', row => row.waiting.toFixed(0)],
      ['transactions alone, per second', row => row.alone.toFixed(0)],
      [
        'ratio (95 %)',
        row => `${row.ratio.toFixed(3)} (${row.interval.map(end => end.toFixed(3)).join(' to ')})`,
      ],
    ],
    rows: [
      {
        atOnce,
        waiting: median(rounds.map(({ waiting }) => waiting)),
        alone: median(rounds.map(({ alone }) => alone)),
        ratio,
        interval: medianInterval(ratios),
      },
    ],
    goals: [{ text: `at least ${goal} of the transactions alone`, reached: ratio >= goal }],
  }
}
