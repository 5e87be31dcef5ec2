import { ask } from '../support/peer.js'
import { pairedRounds, roundColumns, withCpu } from '../support/rounds.js'
import { countStatements } from '../support/statements.js'
import { atLeast, median, medianInterval, quantile } from '../support/statistics.js'

export const title =
  'Annul beside its peers: `{ me { id } }` on 32 connections, and 1,000 logouts on two nodes'

const connections = 32
const logouts = 1000
const counted = 1000
const baseline = 'unguarded field'
const peersBaseline = "unguarded, the peers' server"
const byView = 'Annul, by the view'
const goal = 0.97

/** Name, file in subjects/, its settings, field. */
const subjects = [
  [baseline, 'annul', {}, 'open'],
  [peersBaseline, 'bare', {}, 'open'],
  [byView, 'annul', {}, 'me'],
  ['Annul, strict', 'annul', { ANNUL_REVOCATION: 'strict' }, 'me'],
  ['jsonwebtoken + Redis GET blacklist', 'redisBlacklist', { REDIS_URL: true }, 'me'],
  ['jsonwebtoken + Redis, key made once', 'redisBlacklist', { REDIS_URL: true, keyMadeOnce: true }, 'me'],
  ['jsonwebtoken + SELECT token_version', 'tokenVersion', {}, 'me'],
  ['jsonwebtoken + SELECT, key made once', 'tokenVersion', { keyMadeOnce: true }, 'me'],
  ['better-auth getSession', 'betterAuth', {}, 'me'],
  ['better-auth getSession, cookieCache', 'betterAuth', { cookieCache: true }, 'me'],
]

export async function run(bench) {
  const leftOut = []
  const present = []
  for (const [name, subject, settings, field] of subjects) {
    const redis = settings.REDIS_URL && (await bench.redis())
    if (settings.REDIS_URL && !redis) leftOut.push(name)
    else
      present.push({
        name,
        subject,
        field,
        settings: { ...settings, ...(redis && { REDIS_URL: redis.url }) },
      })
  }
  for (const name of leftOut)
    console.log(`  LEFT OUT: ${name}. There is no redis-server, and only root can install Debian's.`)

  const rows = await measureSpeed(bench, present)
  for (const row of rows) {
    const peer = present.find(({ name }) => name === row.name)
    row.statements = await countStatements(bench, { ...peer, times: counted })
    if (peer.field === 'me') row.logouts = await countAccepted(bench, peer)
  }
  addOwnRatios(rows, present)
  return {
    columns,
    rows,
    leftOut,
    redis: (await bench.redis())?.version,
    goals: goals(rows),
  }
}

/** The peers' server does less than Annul's in every request: what their recipe costs shows beside its own baseline. */
function addOwnRatios(rows, present) {
  const bare = rows.find(row => row.name === peersBaseline)
  for (const row of rows) {
    const isAnnul = present.find(({ name }) => name === row.name).subject === 'annul'
    const ratios = row.ratios.map((ratio, round) => (isAnnul ? ratio : ratio / bare.ratios[round]))
    row.ownRatio = median(ratios)
    row.ownInterval = medianInterval(ratios)
  }
}

/** Rows of the same settings share a server. */
async function measureSpeed(bench, present) {
  const running = new Map()
  const rows = []
  for (const { name, subject, settings, field } of present) {
    const key = JSON.stringify([subject, settings])
    if (!running.has(key)) {
      const url = await bench.postgres.createDatabase(bench.freshName())
      const server = await bench.startServer(subject, { DATABASE_URL: url, ...settings })
      const load = bench.startLoad()
      await load.call('connect', { url: server.url, connections })
      running.set(key, { server, load })
    }
    const { server, load } = running.get(key)
    const requests = await server.call('requests', { field, count: connections })
    rows.push({ name, slice: withCpu(server, ms => load.call('repeat', { requests, ms })) })
  }
  const results = await pairedRounds(rows, { baseline, ...bench.options })
  for (const { server, load } of running.values()) await Promise.all([server.stop(), load.stop()])
  return results
}

/** Logs out at one node, and at once asks the other with the same token or cookie. */
async function countAccepted(bench, { subject, settings }) {
  const url = await bench.postgres.createDatabase(bench.freshName())
  const nodes = await bench.startNodes(2, subject, { DATABASE_URL: url, ...settings })
  const load = bench.startLoad()
  const sessions = await nodes[0].call('sessions', { count: logouts })
  const urls = nodes.map(node => node.url)
  const {
    milliseconds,
    waits: _waits,
    ...found
  } = await load.call('logOut', {
    urls,
    sessions,
    workers: 4,
    question: ask('me'),
  })
  await Promise.all([...nodes, load].map(running => running.stop()))
  return { count: logouts, ...found, p50: median(milliseconds), p99: quantile(milliseconds, 0.99) }
}

const [name, perSecond, ratio, cpu, cpuRatio, others, , p99] = roundColumns

const columns = [
  name,
  perSecond,
  ratio,
  [
    'to its own server (95 %)',
    row => `${row.ownRatio.toFixed(3)} (${row.ownInterval.map(end => end.toFixed(3)).join(' to ')})`,
  ],
  cpu,
  cpuRatio,
  others,
  p99,
  ['SQL a request (1, 32 at once)', row => row.statements.map(({ each }) => each.toFixed(2)).join(', ')],
  [
    'Redis a request',
    row => {
      const most = Math.max(...row.statements.map(({ commandsEach }) => commandsEach))
      return most > 0 ? most.toFixed(2) : ''
    },
  ],
  [
    `accepted after logout, of ${logouts}`,
    row => (row.logouts === undefined ? '' : String(row.logouts.acceptedThere)),
  ],
  ['logout p50 ms', row => row.logouts?.p50.toFixed(1) ?? ''],
]

function goals(rows) {
  const view = rows.find(row => row.name === byView)
  const safe = rows.filter(row => row.logouts?.acceptedThere === 0 && row !== view)
  const ahead = safe.map(row =>
    view.interval[0] > row.interval[1] ? true : view.ratio < row.ratio ? false : undefined,
  )
  return [
    { text: `at least ${goal} of the unguarded field: ${byView}`, reached: atLeast(view.interval, goal) },
    {
      text: `none accepted: ${byView}`,
      reached: view.logouts.acceptedThere + view.logouts.acceptedHere === 0,
    },
    {
      text: `first among those that accept none (${safe.map(row => row.name).join('; ')})`,
      reached: ahead.includes(false) ? false : ahead.includes(undefined) ? undefined : true,
    },
  ]
}
