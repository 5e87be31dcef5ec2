import { bareRequest } from '../subjects/bareLogin.js'
import { loginRequest, registerMany } from '../support/accounts.js'
import { roundColumns, roundsOfSets, withCpu } from '../support/rounds.js'
import { atLeast } from '../support/statistics.js'

export const title = 'Logins on one core against the bare hash in the same process'

const connections = 32
/** A core makes some 70 logins a second: in half a minute their code is not compiled yet. */
const warmUpMs = 60_000
/** Results of hashes come in groups of up to 16, and a second has some 80: a slice holds many groups. */
const leastMs = 4000
/** Each with processes of its own. */
const sets = 5
/** Of the hash alone. */
const goals = { 'logins without limits': 0.9, 'logins with limits': 0.85 }

export async function run(bench) {
  const url = await bench.postgres.createDatabase(bench.freshName())
  const load = bench.startLoad()
  const logIn = (server, requests) => async ms => {
    await load.call('connect', { url: server.url, connections })
    return load.call('repeat', { requests, ms })
  }
  /** What a process does, each row compared with the hash alone in the same process. */
  const against = (hash, server, rows) => [
    { name: hash, slice: withCpu(server, ms => server.call('hashes', { ms })), warmUpMs: 0 },
    ...rows.map(([name, requests, more]) => ({
      name,
      against: hash,
      slice: withCpu(server, logIn(server, requests)),
      ...more,
    })),
  ]
  const start = async set => {
    const startServer = limits => bench.startServer('annul', { DATABASE_URL: url, ANNUL_LIMITS: limits })
    // The process that was started first was often the slower one (README.md), so the two take turns.
    const servers = {}
    for (const limits of set % 2 === 0 ? ['off', 'on'] : ['on', 'off'])
      servers[limits] = await startServer(limits)
    const { off, on } = servers
    const least = await bench.startServer('bareLogin', {})
    // Each connection logs an account of its own in, and succeeds: attempts that succeed are given back. As with
    // annul/client, the device is known to the account.
    const accounts = await registerMany(off.url, connections)
    const requests = accounts.map(loginRequest)
    const fromNewDevices = accounts.map(account => loginRequest({ ...account, device: undefined }))
    return {
      rows: [
        // What it costs that anything is done between two hashes.
        ...against('the hash alone, in a bare server', least, [
          ['the hash behind a bare request', [bareRequest], { warmUpMs: 5000 }],
        ]),
        ...against('the hash alone, without limits', off, [['logins without limits', requests]]),
        ...against('the hash alone, with limits', on, [
          ['logins with limits', requests],
          // Most of its code is that of the row before.
          ['from new devices, with limits', fromNewDevices, { warmUpMs: 15_000 }],
        ]),
      ],
      stop: () => Promise.all([off, on, least].map(server => server.stop())),
    }
  }
  const options = { ...bench.options, ms: Math.max(bench.options.ms, leastMs), sets }
  const results = await roundsOfSets(start, { ...options, warmUpMs })
  return {
    options,
    columns: roundColumns,
    rows: results,
    goals: results
      .filter(({ name }) => name in goals)
      .map(({ name, interval, cpuInterval }) => ({
        text: `${goals[name]} of the hash alone, by number and by CPU: ${name}`,
        reached: both(atLeast(interval, goals[name]), atLeast(cpuInterval, goals[name])),
      })),
  }
}

/** False where one of the two is missed, undefined where one is unclear. */
function both(one, other) {
  if (one === false || other === false) return false
  return one && other
}
