import { pairedRounds, roundColumns, withCpu } from '../support/rounds.js'
import { atLeast } from '../support/statistics.js'

export const title =
  "An unguarded field of Annul's own server against bare Apollo Server on Fastify, 32 connections"

const connections = 32
const baseline = 'bare Apollo Server on Fastify'
const goal = 0.97

/** The second bare row is the measure of the noise. */
const subjects = [
  [baseline, 'bare'],
  ['bare again', 'bare'],
  ["Annul's own server", 'annul'],
]

export async function run(bench) {
  const rows = []
  const servers = new Map()
  for (const [name, subject] of subjects) {
    if (!servers.has(subject)) servers.set(subject, await start(bench, subject))
    const { server, load } = servers.get(subject)
    const requests = await server.call('requests', { field: 'open', count: connections })
    rows.push({ name, slice: withCpu(server, ms => load.call('repeat', { requests, ms })) })
  }
  const results = await pairedRounds(rows, { baseline, ...bench.options })
  const own = results.at(-1)
  const text = `at least ${goal} of the bare server: ${own.name}`
  return { columns: roundColumns, rows: results, goals: [{ text, reached: atLeast(own.interval, goal) }] }
}

async function start(bench, subject) {
  const url = await bench.postgres.createDatabase(bench.freshName())
  const server = await bench.startServer(subject, { DATABASE_URL: url })
  const load = bench.startLoad()
  await load.call('connect', { url: server.url, connections })
  return { server, load }
}
