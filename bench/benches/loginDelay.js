import { loginRequest, registerMany } from '../support/accounts.js'
import { median } from '../support/statistics.js'

export const title = 'Event-loop delay while 100 logins run at once'

const connections = 100
const goalMs = 20

export async function run(bench) {
  const rows = []
  for (const [name, where] of [
    ['the server on all cores', 'all'],
    ['the server on one core', 'server'],
  ]) {
    const url = await bench.postgres.createDatabase(bench.freshName())
    const server = await bench.startServer('annul', { DATABASE_URL: url }, where)
    const load = bench.startLoad()
    await load.call('connect', { url: server.url, connections })
    const accounts = await registerMany(server.url, connections)
    const requests = accounts.map(loginRequest)
    const rounds = []
    for (let round = -1; round < bench.options.rounds; round++) {
      await server.call('watchEventLoop')
      const { perSecond } = await load.call('once', { requests })
      const delay = await server.call('eventLoopDelay')
      if (round >= 0) rounds.push({ perSecond, ...delay })
    }
    await server.stop()
    await load.stop()
    rows.push({
      name,
      perSecond: median(rounds.map(round => round.perSecond)),
      p99: median(rounds.map(round => round.p99)),
      worstP99: Math.max(...rounds.map(round => round.p99)),
      longest: median(rounds.map(round => round.max)),
      rounds,
    })
  }
  return {
    columns: [
      ['', row => row.name],
      ['logins per second', row => row.perSecond.toFixed(0)],
      ['delay p99 ms', row => row.p99.toFixed(1)],
      ['worst round', row => row.worstP99.toFixed(1)],
      ['longest delay', row => row.longest.toFixed(1)],
    ],
    rows,
    goals: rows.map(row => ({ text: `p99 under ${goalMs} ms: ${row.name}`, reached: row.p99 < goalMs })),
  }
}
