import { median } from '../support/statistics.js'

export const title = 'A view with 1,000,000 live entries: its memory, and the time to load it from PostgreSQL'

const entries = 1_000_000
const goals = { megabytes: 150, seconds: 5 }
const megabyte = 1e6

/** As many users as sessions, over the time that the log is kept, for all the reasons that there are. */
const fill = `
  insert into annul.revocations (kind, subject, min_version, reason, revoked_at)
  select case when n % 2 = 0 then 'user' else 'session' end,
         gen_random_uuid(),
         case when n % 2 = 0 then 2 + n / 2 % 5 end,
         case when n % 2 = 0 then (array['PASSWORD_CHANGED', 'SESSIONS_REVOKED', 'ACCESS_CHANGED', 'USER_BLOCKED'])[1 + n / 2 % 4]
              else (array['LOGGED_OUT', 'SESSION_REVOKED', 'REFRESH_REUSED'])[1 + n / 2 % 3] end,
         now() - random() * interval '50 minutes'
  from generate_series(1, ${entries}) as n`

export async function run(bench) {
  const database = bench.freshName()
  const url = await bench.postgres.createDatabase(database)
  const before = await bench.startServer('annul', { DATABASE_URL: url })
  const requests = await before.call('requests', { field: 'me', count: 4 })
  await before.call('untilFresh')
  const emptyHeap = await before.call('heap')
  await before.stop()
  await bench.postgres.execute(database, fill)
  await bench.postgres.execute(database, 'vacuum analyze annul.revocations')
  const rows = []
  for (const asking of [0, 4]) rows.push(await load(bench, { url, requests, asking, emptyHeap }))
  return {
    columns: [
      ['asked meanwhile', row => (row.asking === 0 ? 'by nobody' : `on ${row.asking} connections`)],
      ['seconds until the view decides', row => row.seconds.toFixed(2)],
      ['CPU seconds of the node', row => row.cpuSeconds.toFixed(2)],
      ['answered by the strict path', row => String(row.strict)],
      ['p50 ms', row => row.p50?.toFixed(2) ?? ''],
      ['p99 ms', row => row.p99?.toFixed(2) ?? ''],
      ['heap MB', row => row.heap.toFixed(1)],
      ['heap of an empty view', row => row.emptyHeap.toFixed(1)],
      ['heap of the entries', row => (row.heap - row.emptyHeap).toFixed(1)],
    ],
    rows,
    entries,
    goals: [
      ...rows.map(row => ({
        text: `at most ${goals.megabytes} MB of heap for the entries: ${(row.heap - row.emptyHeap).toFixed(1)} MB`,
        reached: row.heap - row.emptyHeap <= goals.megabytes,
      })),
      ...rows.map(row => ({
        text: `loaded within ${goals.seconds} s: ${row.seconds.toFixed(2)} s`,
        reached: row.seconds <= goals.seconds,
      })),
      {
        text: 'the node answers by the strict path meanwhile',
        reached: rows.every(row => row.asking === 0 || row.strict > 0),
      },
    ],
  }
}

async function load(bench, { url, requests, asking, emptyHeap }) {
  const server = await bench.startServer('annul', { DATABASE_URL: url })
  const sender = bench.startLoad()
  const loading = server.call('untilFresh')
  const slices = []
  if (asking > 0) {
    let loaded = false
    loading.then(() => {
      loaded = true
    })
    await sender.call('connect', { url: server.url, connections: asking })
    while (!loaded) slices.push(await sender.call('repeat', { requests, ms: 200 }))
  }
  const { ms, entries: found } = await loading
  const cpuSeconds = (await server.call('cpu')) / 1e6
  if (found.users + found.sessions !== entries)
    throw new Error(`The view holds ${JSON.stringify(found)} instead of ${entries}.`)
  const strict = await decisionsBy('strict', server.url)
  const heap = await server.call('heap')
  await Promise.all([server.stop(), sender.stop()])
  return {
    asking,
    seconds: ms / 1000,
    cpuSeconds,
    strict,
    ...(slices.length > 0 && {
      p50: median(slices.map(slice => slice.p50)),
      p99: Math.max(...slices.map(slice => slice.p99)),
    }),
    heap: heap / megabyte,
    emptyHeap: emptyHeap / megabyte,
  }
}

/** How many decisions a node's metrics count. */
async function decisionsBy(path, url) {
  const text = await (await fetch(`${url}/metrics`)).text()
  const found = [...text.matchAll(/^annul_decisions_total\{path="(\w+)",outcome="accepted"\} (\d+)/gm)]
  return found.filter(([, of]) => of === path).reduce((sum, [, , count]) => sum + Number(count), 0)
}
