import { pairedRounds, roundColumns, withCpu } from '../support/rounds.js'
import { atLeast } from '../support/statistics.js'

export const title = 'The same field with and without @auth, by server, 32 connections'

const connections = 32
const goal = 0.95

/**
 * For each server its rows: name, file in subjects/, its settings, field. Ratios are to the first row, an unguarded
 * field beside Annul. The row of the same shape is the measure of the noise, and the one that is named `guarded` has the
 * goal.
 */
const servers = {
  'Apollo on Fastify': [
    ['unguarded', 'apolloFastify', {}, 'open'],
    ['unguarded again', 'apolloFastify', {}, 'open'],
    ['guarded', 'apolloFastify', {}, 'me'],
    ['without Annul', 'apolloFastify', { bare: true }, 'open'],
  ],
  Mercurius: [
    ['unguarded', 'mercurius', {}, 'open'],
    ['unguarded again', 'mercurius', {}, 'open'],
    ['guarded', 'mercurius', {}, 'me'],
    ['without Annul', 'mercuriusAuth', {}, 'open'],
    ['mercurius-auth + @fastify/jwt', 'mercuriusAuth', {}, 'me'],
  ],
  Yoga: [
    ['unguarded', 'yoga', {}, 'open'],
    ['unguarded again', 'yoga', {}, 'open'],
    ['guarded', 'yoga', {}, 'me'],
    ['guarded, strict', 'yoga', { ANNUL_REVOCATION: 'strict' }, 'me'],
    ['without Annul', 'yogaJwt', { bare: true }, 'open'],
    ['plugin-jwt + Redis GET', 'yogaJwt', { REDIS_URL: true }, 'me'],
  ],
}

export async function run(bench) {
  const rows = []
  const goals = []
  const leftOut = []
  for (const [server, listed] of Object.entries(servers)) {
    const redis = await bench.redis()
    const present = listed.filter(([, , settings]) => redis || !settings.REDIS_URL)
    for (const [name] of listed.filter(row => !present.includes(row))) {
      leftOut.push(`${server}: ${name}`)
      console.log(
        `  LEFT OUT: ${server}: ${name}. There is no redis-server, and only root can install Debian's.`,
      )
    }
    const measured = await measure(bench, server, present, redis)
    rows.push(...measured)
    const guarded = measured.find(({ name }) => name === `${server}: guarded`)
    const text = `at least ${goal} of the same server's unguarded field: ${server}`
    goals.push({ text, reached: atLeast(guarded.interval, goal) })
  }
  return { columns: roundColumns, rows, goals, leftOut }
}

async function measure(bench, server, listed, redis) {
  // Rows of the same settings share a process.
  const started = new Map()
  const rows = []
  for (const [name, subject, settings, field] of listed) {
    const key = JSON.stringify([subject, settings])
    if (!started.has(key))
      started.set(
        key,
        await start(bench, subject, { ...settings, ...(settings.REDIS_URL && { REDIS_URL: redis.url }) }),
      )
    const { process, load } = started.get(key)
    const requests = await process.call('requests', { field, count: connections })
    rows.push({
      name: `${server}: ${name}`,
      slice: withCpu(process, ms => load.call('repeat', { requests, ms })),
    })
  }
  return pairedRounds(rows, { baseline: rows[0].name, ...bench.options })
}

async function start(bench, subject, settings) {
  const url = await bench.postgres.createDatabase(bench.freshName())
  const process = await bench.startServer(subject, { DATABASE_URL: url, ...settings })
  const load = bench.startLoad()
  await load.call('connect', { url: process.url, connections })
  return { process, load }
}
