import { registerMany } from '../support/accounts.js'
import { ask } from '../support/peer.js'
import { pairedRounds, roundColumns, withCpu } from '../support/rounds.js'
import { goOn, learnStatement } from './refresh.js'

export const title = 'A refresh over HTTP beside its parts, by CPU time, 32 at once'

const concurrency = 32
const goal = 0.85
const [whole, ...parts] = ['refresh, over HTTP', 'an unguarded request', 'the UPDATE alone', 'a signature']

export async function run(bench) {
  const statement = await learnStatement(bench)
  const url = await bench.postgres.createDatabase(bench.freshName())
  const server = await bench.startServer('annul', { DATABASE_URL: url })
  const load = bench.startLoad()
  await load.call('connect', { url: server.url, connections: concurrency })
  const accounts = await registerMany(server.url, 2 * concurrency)
  const { accessToken } = accounts[0]
  const [forUpdates, forHttp] = [accounts.splice(0, concurrency), accounts]
  const sessions = { value: forUpdates.map(({ session }) => ({ id: session.id, generation: 1 })) }
  const tokens = { value: forHttp.map(({ refreshToken }) => refreshToken) }
  const requests = Array.from({ length: concurrency }, () => ({ ...ask('open'), headers: {} }))
  const slices = [
    goOn(tokens, 'tokens', input => load.call('rotate', input)),
    ms => load.call('repeat', { requests, ms }),
    goOn(sessions, 'sessions', input => server.call('updates', { ...statement, ...input })),
    ms => server.call('signatures', { accessToken, ms }),
  ]
  const rows = await pairedRounds(
    [whole, ...parts].map((name, index) => ({ name, slice: withCpu(server, slices[index]) })),
    { baseline: whole, ...bench.options },
  )
  const [refresh, ...others] = rows.map(({ cpuMicroseconds }) => cpuMicroseconds)
  const share = others.reduce((sum, each) => sum + each, 0) / refresh
  const text = `its parts cost at least ${goal} of the CPU time of a refresh: ${share.toFixed(2)}`
  return { columns: roundColumns, rows, goals: [{ text, reached: share >= goal }], share }
}
