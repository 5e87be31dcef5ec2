import { setTimeout as sleep } from 'node:timers/promises'
import { openPostgresCpu } from '../support/postgresCpu.js'
import { quantile } from '../support/statistics.js'

export const title =
  'Revocations (logouts) on 3 nodes with verifiers, and with as many plain followers of PostgreSQL'

const nodeCount = 3
const verifierCounts = [0, 10, 100, 1000]
const followerCounts = [10, 64]
const perProcess = 500
const idleMs = 4000
const goals = { times: 5, postgres: 0.2, bytes: 20_000, cpu: 60 }

export async function run(bench) {
  const rows = []
  for (const verifiers of verifierCounts) rows.push(await measure(bench, { verifiers, followers: 0 }))
  for (const followers of followerCounts) rows.push(await measure(bench, { verifiers: 0, followers }))
  const [none] = rows
  const most = rows.find(({ verifiers }) => verifiers === Math.max(...verifierCounts))
  const introspection = await introspect(bench)
  return {
    columns: [
      ['verifiers', row => String(row.verifiers)],
      ['followers of PostgreSQL', row => String(row.followers)],
      ['p50 ms', row => row.p50.toFixed(2)],
      ['p99 ms', row => row.p99.toFixed(2)],
      ["PostgreSQL's CPU each, ms", row => row.postgresMs.toFixed(2)],
      ["nodes' CPU each, ms", row => row.nodesMs.toFixed(2)],
      ['µs a verifier', row => (row.verifiers ? row.cpuOfVerifier.toFixed(1) : '')],
      ['kB a verifier, heap / all', row => (row.verifiers ? row.bytes.map(kB).join(' / ') : '')],
      ['accepted after return', row => (row.verifiers ? `${row.accepted} of ${row.asked}` : '')],
    ],
    rows,
    introspection,
    goals: [
      {
        text: `p50 with ${most.verifiers} verifiers at most ${goals.times} times that of none`,
        reached: most.p50 <= goals.times * none.p50,
      },
      {
        text: `PostgreSQL's CPU for each revocation within ${100 * goals.postgres} % of that without verifiers`,
        reached: Math.abs(most.postgresMs / none.postgresMs - 1) <= goals.postgres,
      },
      { text: `at most ${goals.bytes / 1000} kB a verifier`, reached: most.bytes[1] <= goals.bytes },
      {
        text: `at most ${goals.cpu} µs of a node's CPU for each verifier and revocation`,
        reached: most.cpuOfVerifier <= goals.cpu,
      },
      { text: 'nothing accepted after return', reached: rows.every(({ accepted }) => accepted === 0) },
      {
        text: `a verifier's decision (${introspection.decisionUs.toFixed(2)} µs) beside an introspection (${introspection.requestUs.toFixed(0)} µs of CPU)`,
        reached: introspection.decisionUs < introspection.requestUs,
      },
    ],
  }
}

const kB = bytes => (bytes / 1000).toFixed(1)

async function measure(bench, { verifiers, followers }) {
  const name = bench.freshName()
  const url = await bench.postgres.createDatabase(name)
  const nodes = await bench.startNodes(nodeCount, 'annul', { DATABASE_URL: url }, 'all')
  const urls = nodes.map(node => node.url)
  await Promise.all(nodes.map(node => node.call('untilFresh')))
  const service = await nodes[0].call('service', { name: 'bench', rights: ['feed', 'introspect'] })
  const total = async (what, input) =>
    (await Promise.all(nodes.map(node => node.call(what, input)))).reduce((sum, each) => sum + each, 0)
  const memory = async () => {
    const each = await Promise.all(nodes.map(node => node.call('memory')))
    return [0, 1].map(at => each.reduce((sum, one) => sum + one[at], 0))
  }
  const before = await memory()
  const processes = []
  for (let left = Math.max(verifiers, followers); left > 0; left -= perProcess) {
    const running = bench.startVerifiers()
    processes.push(running)
    const count = Math.min(left, perProcess)
    if (verifiers > 0) await running.call('attach', { urls, service, count })
    else await running.call('follow', { url, count })
  }
  // For one lease after a follower has joined, barriers see its row grow old or wait for it.
  await sleep(2500)
  const after = await memory()
  const postgresCpu = await openPostgresCpu(url)
  const cost = async work => {
    const [pg, cpu, at] = [postgresCpu(), await total('cpu'), performance.now()]
    const result = await work()
    return {
      result,
      ms: performance.now() - at,
      postgres: postgresCpu() - pg,
      cpu: (await total('cpu')) - cpu,
    }
  }
  const count = 20 * bench.options.rounds
  const sessions = await nodes[0].call('sessions', { count: count + 20 })
  await nodes[0].call('logouts', { sessions: sessions.splice(0, 20), workers: 1, waits: true })
  const idle = await cost(() => sleep(idleMs))
  const busy = await cost(() => nodes[0].call('logouts', { sessions, workers: 1, waits: true }))
  const netOf = what => (busy[what] - (idle[what] * busy.ms) / idle.ms) / count
  const tokens = sessions.slice(-20).map(({ headers }) => headers.authorization.slice('Bearer '.length))
  const answers = await Promise.all(
    processes.map(running => verifiers > 0 && running.call('ask', { tokens })),
  )
  // Once more with the token that is known to be dead by nobody yet: revoked now, asked at the moment of the return.
  const fresh = await nodes[0].call('sessions', { count: 20 })
  let late = 0
  let asked = 0
  for (const session of verifiers > 0 ? fresh : []) {
    await nodes[0].call('logouts', { sessions: [session], workers: 1, waits: true })
    const token = session.headers.authorization.slice('Bearer '.length)
    for (const running of processes) {
      const { accepted, refused, asked: promised } = await running.call('ask', { tokens: [token] })
      late += accepted
      asked += accepted + refused + promised
    }
  }
  await Promise.all([...processes, ...nodes].map(running => running.stop()))
  return {
    verifiers,
    followers,
    revocations: count,
    p50: quantile(busy.result.milliseconds, 0.5),
    p99: quantile(busy.result.milliseconds, 0.99),
    postgresMs: netOf('postgres') / 1000,
    nodesMs: netOf('cpu') / 1000,
    cpuOfVerifier: verifiers > 0 ? netOf('cpu') / verifiers : 0,
    bytes: verifiers > 0 ? after.map((bytes, at) => (bytes - before[at]) / verifiers) : [0, 0],
    accepted: late + answers.reduce((sum, answer) => sum + (answer ? answer.accepted : 0), 0),
    asked:
      asked +
      answers.reduce(
        (sum, answer) => sum + (answer ? answer.accepted + answer.refused + answer.asked : 0),
        0,
      ),
  }
}

/** A token that is asked about at the auth server on every request (RFC 7662), beside the same by a verifier. */
async function introspect(bench) {
  const url = await bench.postgres.createDatabase(bench.freshName())
  const [node] = await bench.startNodes(1, 'annul', { DATABASE_URL: url }, 'all')
  await node.call('untilFresh')
  const service = await node.call('service', { name: 'bench', rights: ['feed', 'introspect'] })
  const [session] = await node.call('sessions', { count: 1 })
  const token = session.headers.authorization.slice('Bearer '.length)
  const running = bench.startVerifiers()
  await running.call('attach', { urls: [node.url], service, count: 1 })
  const decisionUs = await running.call('decide', { token, times: 200_000 })
  const postgresCpu = await openPostgresCpu(url)
  const ask = () =>
    fetch(`${node.url}/oauth/introspect`, {
      method: 'POST',
      headers: { authorization: `Bearer ${service}`, 'content-type': 'application/x-www-form-urlencoded' },
      body: `token=${token}`,
    }).then(answer => answer.json())
  for (let warmUp = 0; warmUp < 200; warmUp++) await ask()
  const [pg, cpu, at] = [postgresCpu(), await node.call('cpu'), performance.now()]
  const times = 1000
  for (let done = 0; done < times; done++) {
    const { active } = await ask()
    if (active !== true) throw new Error('The introspection does not know a live token.')
  }
  const ms = performance.now() - at
  const requestUs = (postgresCpu() - pg + (await node.call('cpu')) - cpu) / times
  await Promise.all([node, running].map(each => each.stop()))
  return { decisionUs, requestUs, requestMs: ms / times }
}
