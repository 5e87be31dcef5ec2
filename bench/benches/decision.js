import { registerMany } from '../support/accounts.js'
import { atMost, median, medianInterval, quantile } from '../support/statistics.js'

export const title = 'A decision by the view, without HTTP: from the token to who it is'

/** Name, what the subject calls it, microseconds that it may take. */
const kinds = [
  ['a token that was seen before', 'remembered', 4],
  ['a token seen first', 'first', 90],
]

export async function run(bench) {
  const url = await bench.postgres.createDatabase(bench.freshName())
  const server = await bench.startServer('annul', { DATABASE_URL: url })
  const [{ accessToken }] = await registerMany(server.url, 1)
  const decide = batches => server.call('decisions', { accessToken, batches, batch: 200 })
  await decide(50) // warms up
  const measured = await decide(10 * bench.options.rounds)
  const rows = kinds.map(([name, kind, goal]) => ({
    name,
    goal,
    microseconds: median(measured[kind]),
    interval: medianInterval(measured[kind]),
    best: Math.min(...measured[kind]),
    p99: quantile(measured[kind], 0.99),
  }))
  return {
    columns: [
      ['', row => row.name],
      [
        'µs (95 %)',
        row => `${row.microseconds.toFixed(1)} (${row.interval.map(end => end.toFixed(1)).join(' to ')})`,
      ],
      ['best batch', row => row.best.toFixed(1)],
      ['slowest in 100', row => row.p99.toFixed(1)],
    ],
    rows,
    goals: rows.map(row => ({
      text: `at most ${row.goal} µs: ${row.name}`,
      reached: atMost(row.interval, row.goal),
    })),
  }
}
