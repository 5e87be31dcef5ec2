import { pairedRounds, roundColumns, withCpu } from '../support/rounds.js'
import { atLeast } from '../support/statistics.js'

export const title = 'The same field with and without @auth, by server, 32 connections'

const connections = 32
const goal = 0.95

/**
 * Name, file in subjects/, its settings, and whether the goal is Annul's. Each server is measured by itself, and its
 * guarded field is compared with its own unguarded one.
 */
const servers = [
  ['Yoga', 'yoga', {}, true],
  ['Yoga, strict', 'yoga', { ANNUL_REVOCATION: 'strict' }, false],
  ['Yoga, plugin-jwt + Redis GET', 'yogaJwt', { REDIS_URL: true }, false],
]

export async function run(bench) {
  const rows = []
  const goals = []
  const leftOut = []
  for (const [name, subject, settings, isOurs] of servers) {
    const redis = settings.REDIS_URL && (await bench.redis())
    if (settings.REDIS_URL && !redis) {
      leftOut.push(name)
      console.log(`  LEFT OUT: ${name}. There is no redis-server, and only root can install Debian's.`)
      continue
    }
    const measured = await measure(bench, name, subject, {
      ...settings,
      ...(redis && { REDIS_URL: redis.url }),
    })
    rows.push(...measured)
    const text = `at least ${goal} of the same server's unguarded field: ${name}`
    if (isOurs) goals.push({ text, reached: atLeast(measured.at(-1).interval, goal) })
  }
  return { columns: roundColumns, rows, goals, leftOut }
}

/** The second unguarded row is the measure of the noise: whatever it differs from 1 by is chance. */
async function measure(bench, name, subject, settings) {
  const url = await bench.postgres.createDatabase(bench.freshName())
  const server = await bench.startServer(subject, { DATABASE_URL: url, ...settings })
  const load = bench.startLoad()
  await load.call('connect', { url: server.url, connections })
  const baseline = `${name}: unguarded`
  const rows = []
  for (const [row, field] of [
    [baseline, 'open'],
    [`${name}: unguarded again`, 'open'],
    [`${name}: guarded`, 'me'],
  ]) {
    const requests = await server.call('requests', { field, count: connections })
    rows.push({ name: row, slice: withCpu(server, ms => load.call('repeat', { requests, ms })) })
  }
  return pairedRounds(rows, { baseline, ...bench.options })
}
