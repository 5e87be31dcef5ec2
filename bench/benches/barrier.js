import { quantile } from '../support/statistics.js'

export const title = 'A revoking mutation (logout), from its start to its return, when nothing else is done'

const warmUps = 40
const perRound = 20
const goalMs = { p50: 10, p99: 50 }

export async function run(bench) {
  const rows = []
  for (const count of [1, 3, 8]) {
    const url = await bench.postgres.createDatabase(bench.freshName())
    const nodes = await bench.startNodes(count, 'annul', { DATABASE_URL: url }, 'all')
    const load = bench.startLoad()
    const urls = nodes.map(node => node.url)
    const sessions = await nodes[0].call('sessions', {
      count: warmUps * count + perRound * bench.options.rounds,
    })
    // For one lease after a node joined, its mutations wait in full.
    await Promise.all(nodes.map(node => node.call('untilFresh')))
    await load.call('logOut', { urls, sessions: sessions.splice(0, warmUps * count), workers: count })
    const { milliseconds, waits } = await load.call('logOut', { urls, sessions, workers: 1, pauseMs: 10 })
    await Promise.all([...nodes, load].map(running => running.stop()))
    rows.push({
      nodes: count,
      mutations: sessions.length,
      p50: quantile(milliseconds, 0.5),
      p99: quantile(milliseconds, 0.99),
      longest: Math.max(...milliseconds),
      wait: quantile(waits, 0.5),
    })
  }
  return {
    columns: [
      ['nodes', row => String(row.nodes)],
      ['mutations', row => String(row.mutations)],
      ['p50 ms', row => row.p50.toFixed(2)],
      ['p99 ms', row => row.p99.toFixed(2)],
      ['longest', row => row.longest.toFixed(2)],
      ['p50 of the wait for all nodes', row => row.wait.toFixed(2)],
    ],
    rows,
    goals: rows.map(({ nodes, p50, p99 }) => ({
      text: `p50 under ${goalMs.p50} ms and p99 under ${goalMs.p99} ms: ${nodes === 1 ? '1 node' : `${nodes} nodes`}`,
      reached: p50 < goalMs.p50 && p99 < goalMs.p99,
    })),
  }
}
