import { pairedRounds, roundColumns, withCpu } from '../support/rounds.js'
import { atLeast } from '../support/statistics.js'

export const title = 'A guarded field against an unguarded one of the same shape, 32 connections'

const connections = 32
const baseline = 'unguarded field'
const goal = 0.97

/**
 * Who is compared: name, file in subjects/, its settings, field. The second unguarded row is the measure of the noise:
 * whatever it differs from 1 by is chance.
 */
const subjects = [
  [baseline, 'annul', {}, 'open'],
  ['unguarded again', 'annul', {}, 'open'],
  ['guarded, by the view', 'annul', {}, 'me'],
  ['guarded, strict', 'annul', { ANNUL_REVOCATION: 'strict' }, 'me'],
]

export async function run(bench) {
  const rows = []
  // Rows of the same settings share a server.
  const servers = new Map()
  for (const [name, subject, settings, field] of subjects) {
    const key = JSON.stringify([subject, settings])
    if (!servers.has(key)) servers.set(key, await start(bench, subject, settings))
    const { server, load } = servers.get(key)
    const requests = await server.call('requests', { field, count: connections })
    rows.push({ name, slice: withCpu(server, ms => load.call('repeat', { requests, ms })) })
  }
  const results = await pairedRounds(rows, { baseline, ...bench.options })
  const byView = results.find(row => row.name === 'guarded, by the view')
  const text = `at least ${goal} of the unguarded field: ${byView.name}`
  return { columns: roundColumns, rows: results, goals: [{ text, reached: atLeast(byView.interval, goal) }] }
}

async function start(bench, subject, settings) {
  const url = await bench.postgres.createDatabase(bench.freshName())
  const server = await bench.startServer(subject, { DATABASE_URL: url, ...settings })
  const load = bench.startLoad()
  await load.call('connect', { url: server.url, connections })
  return { server, load }
}
