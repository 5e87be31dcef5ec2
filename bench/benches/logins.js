import { bareRequest } from '../subjects/bareLogin.js'
import { loginRequest, registerMany } from '../support/accounts.js'
import { pairedRounds, roundColumns, withCpu } from '../support/rounds.js'
import { atLeast } from '../support/statistics.js'

export const title = 'Logins on one core against the bare hash in the same process'

const hash = 'the hash alone'
const connections = 32
/** A core makes some 70 logins a second: in half a minute their code is not compiled yet. */
const warmUpMs = 100_000
/** Results of hashes come in groups of up to 16, and a second has some 80: a slice holds many groups. */
const leastMs = 4000
/** Of the hash alone. */
const goals = { 'logins without limits': 0.9, 'logins with limits': 0.85 }

export async function run(bench) {
  const url = await bench.postgres.createDatabase(bench.freshName())
  const startServer = limits => bench.startServer('annul', { DATABASE_URL: url, ANNUL_LIMITS: limits })
  const off = await startServer('off')
  const on = await startServer('on')
  const least = await bench.startServer('bareLogin', {})
  const load = bench.startLoad()
  // Each connection logs an account of its own in, and succeeds: attempts that succeed are given back. As with annul/client,
  // the device is known to the account.
  const accounts = await registerMany(off.url, connections)
  const requests = accounts.map(loginRequest)
  const fromNewDevices = accounts.map(account => loginRequest({ ...account, device: undefined }))
  const logIn = (server, requests) => async ms => {
    await load.call('connect', { url: server.url, connections })
    return load.call('repeat', { requests, ms })
  }
  const options = { ...bench.options, ms: Math.max(bench.options.ms, leastMs) }
  const results = await pairedRounds(
    [
      { name: hash, slice: withCpu(off, ms => off.call('hashes', { ms })) },
      // What it costs that anything is done between two hashes.
      { name: 'the hash behind a bare request', slice: withCpu(least, logIn(least, [bareRequest])) },
      { name: 'logins without limits', slice: withCpu(off, logIn(off, requests)) },
      { name: 'logins with limits', slice: withCpu(on, logIn(on, requests)) },
      { name: 'from new devices, with limits', slice: withCpu(on, logIn(on, fromNewDevices)) },
    ],
    { baseline: hash, ...options, warmUpMs },
  )
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
