import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { loginRequest, registerMany } from './support/accounts.js'
import { openBench } from './support/bench.js'
import { takePlace } from './support/cores.js'
import { printTable } from './support/report.js'

/*
 * node profile.js guarded|unguarded|refresh|login [file.cpuprofile]: where the server's core spends its time under that
 * load, by package and by function, "self" time. The file is for a browser's developer tools.
 */

const [what = 'guarded', file] = process.argv.slice(2)
const ms = 6000
const connections = what === 'login' ? 100 : 32

takePlace()
const bench = await openBench({ fsync: 'off' })
try {
  const url = await bench.postgres.createDatabase('profile')
  const server = await bench.startServer('annul', { DATABASE_URL: url })
  const load = bench.startLoad()
  await load.call('connect', { url: server.url, connections })
  const accounts = await registerMany(server.url, connections)
  let tokens = accounts.map(({ refreshToken }) => refreshToken)
  const requests =
    what === 'login'
      ? accounts.map(loginRequest)
      : await server.call('requests', { field: what === 'unguarded' ? 'open' : 'me', count: connections })
  const run = async () => {
    if (what !== 'refresh') return load.call('repeat', { requests, ms })
    const measured = await load.call('rotate', { tokens, ms })
    tokens = measured.tokens
    return measured
  }
  await run() // warms up
  await server.call('startProfile')
  const { count } = await run()
  const profile = await server.call('stopProfile')
  if (file) writeFileSync(file, JSON.stringify(profile))
  print(profile, count)
} finally {
  await bench.close()
}

function print({ nodes, samples, timeDeltas }, count) {
  const byId = new Map(nodes.map(node => [node.id, node.callFrame]))
  const groups = { package: new Map(), function: new Map() }
  const add = (map, key, time) => map.set(key, (map.get(key) ?? 0) + time)
  samples.forEach((id, index) => {
    const { functionName, url, lineNumber } = byId.get(id)
    if (url === '' && functionName === 'dispatch') return // the profiler's own
    const place = placeOf(url)
    add(groups.package, place.package || functionName, timeDeltas[index])
    add(
      groups.function,
      `${functionName || '(anonymous)'}  ${place.file}:${lineNumber + 1}`,
      timeDeltas[index],
    )
  })
  console.log(`${what}: ${count} requests in ${ms} ms, ${connections} connections`)
  for (const [name, map] of Object.entries(groups)) {
    const rows = [...map].sort(([, a], [, b]) => b - a).slice(0, name === 'package' ? 16 : 40)
    printTable(
      [
        [name, ([key]) => key],
        ['µs a request', ([, time]) => (time / count).toFixed(1)],
      ],
      rows,
    )
  }
}

/** Which package a function is from: Node's own modules count as one. */
function placeOf(url) {
  if (url === '') return { package: '', file: '' }
  if (url.startsWith('node:')) return { package: 'node', file: url }
  const path = fileURLToPath(url)
  const inPackage = path.match(/.*node_modules\/((?:@[^/]+\/)?[^/]+)\/(.*)$/)
  if (inPackage) return { package: inPackage[1], file: `${inPackage[1]}/${inPackage[2]}` }
  return { package: 'annul', file: path.replace(/.*\/(dist|bench)\//, '$1/') }
}
