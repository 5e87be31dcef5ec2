import { median, medianInterval, quantile } from '../support/statistics.js'

export const title = 'Revocations (logouts) per second on 3 nodes while the view is read'

const nodeCount = 3
const readers = 6
const concurrencies = [1, 8, 32]
const perRound = 200

export async function run(bench) {
  const url = await bench.postgres.createDatabase(bench.freshName())
  const nodes = await bench.startNodes(nodeCount, 'annul', { DATABASE_URL: url }, 'all')
  const urls = nodes.map(node => node.url)
  const [load, reading] = [bench.startLoad(), bench.startLoad()]
  await reading.call('connect', { urls, connections: readers })
  const requests = await nodes[0].call('requests', { field: 'me', count: readers })
  const revoke = async (workers, count) => {
    const sessions = await nodes[0].call('sessions', { count })
    let done = false
    const reads = []
    const read = async () => {
      while (!done) reads.push(await reading.call('repeat', { requests, ms: 100, pauseMs: 10 }))
    }
    const readingOn = read()
    const revoked = await load.call('logOut', { urls, sessions, workers })
    done = true
    await readingOn
    const [p50, p99] = [0.5, 0.99].map(at => quantile(revoked.milliseconds, at))
    return { perSecond: revoked.perSecond, p50, p99, reads: median(reads.map(slice => slice.perSecond)) }
  }
  // For one lease after a node joined, its mutations wait in full.
  await Promise.all(nodes.map(node => node.call('untilFresh')))
  await revoke(32, 500)
  const rows = []
  for (const concurrency of concurrencies) {
    const rounds = []
    for (let round = 0; round < bench.options.rounds; round++)
      rounds.push(await revoke(concurrency, concurrency === 1 ? perRound / 4 : perRound))
    const middle = key => median(rounds.map(round => round[key]))
    const each = rounds.map(round => round.perSecond)
    rows.push({
      concurrency,
      perSecond: median(each),
      interval: medianInterval(each),
      p50: middle('p50'),
      p99: middle('p99'),
      readsPerSecond: middle('reads'),
      rounds: rounds.length,
    })
  }
  return {
    columns: [
      ['at once', row => String(row.concurrency)],
      [
        'revocations per second (95 %)',
        row => `${row.perSecond.toFixed(0)} (${row.interval.map(end => end.toFixed(0)).join(' to ')})`,
      ],
      ['p50 ms', row => row.p50.toFixed(2)],
      ['p99 ms', row => row.p99.toFixed(2)],
      ['guarded requests per second meanwhile', row => row.readsPerSecond.toFixed(0)],
    ],
    rows,
  }
}
