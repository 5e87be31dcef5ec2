import { existsSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { loginRequest, registerMany } from './support/accounts.js'
import { openBench } from './support/bench.js'
import { takePlace } from './support/cores.js'
import { printTable } from './support/report.js'

/*
 * node profile.js [subject] guarded|unguarded|refresh|login … [file.cpuprofile]: where the server's core spends its time
 * under that load, by package and by function, "self" time. The subject is a file of subjects/, Annul's own server by
 * default. Several loads are profiled in turns, on one server, and stand beside each other. The file is for a browser's
 * developer tools, and holds the last turn.
 */

const rounds = 4
const ms = 2000

const given = process.argv.slice(2)
const file = given.at(-1)?.endsWith('.cpuprofile') ? given.pop() : undefined
const isSubject = name => existsSync(new URL(`subjects/${name}.js`, import.meta.url))
const subject = isSubject(given[0]) ? given.shift() : 'annul'
const loads = given.length > 0 ? given : ['guarded']
const connections = loads.includes('login') ? 100 : 32

takePlace()
const bench = await openBench({ fsync: 'off' })
try {
  const DATABASE_URL = await bench.postgres.createDatabase('profile')
  const server = await bench.startServer(subject, { DATABASE_URL })
  const load = bench.startLoad()
  await load.call('connect', { url: server.url, connections })
  const runs = new Map()
  for (const name of loads) runs.set(name, await openRun(name, server, load))
  for (const run of runs.values()) await run() // warms up
  const spent = new Map(loads.map(name => [name, { count: 0, package: new Map(), function: new Map() }]))
  for (let round = 0; round < rounds; round++)
    for (const [name, run] of runs) {
      await server.call('startProfile')
      const { count } = await run()
      const profile = await server.call('stopProfile')
      if (file) writeFileSync(file, JSON.stringify(profile))
      spent.get(name).count += count
      add(spent.get(name), profile)
    }
  print(spent)
} finally {
  await bench.close()
}

/** @returns a function that keeps the server busy for `ms`, and tells how many requests it answered */
async function openRun(name, server, load) {
  if (name === 'guarded' || name === 'unguarded') {
    const field = name === 'guarded' ? 'me' : 'open'
    const requests = await server.call('requests', { field, count: connections })
    return () => load.call('repeat', { requests, ms })
  }
  const accounts = await registerMany(server.url, connections)
  if (name === 'login') return () => load.call('repeat', { requests: accounts.map(loginRequest), ms })
  let tokens = accounts.map(({ refreshToken }) => refreshToken)
  return async () => {
    const measured = await load.call('rotate', { tokens, ms })
    tokens = measured.tokens
    return measured
  }
}

function add(groups, { nodes, samples, timeDeltas }) {
  const byId = new Map(nodes.map(node => [node.id, node.callFrame]))
  const count = (map, key, time) => map.set(key, (map.get(key) ?? 0) + time)
  samples.forEach((id, index) => {
    const { functionName, url, lineNumber } = byId.get(id)
    if (url === '' && functionName === 'dispatch') return // the profiler's own
    const { package: from, file: place } = placeOf(url)
    count(groups.package, from || functionName, timeDeltas[index])
    count(groups.function, `${functionName || '(anonymous)'}  ${place}:${lineNumber + 1}`, timeDeltas[index])
  })
}

function print(spent) {
  const each = [...spent]
  console.log(
    `${subject}: ${each.map(([name, { count }]) => `${count} times ${name}`).join(', ')}, ${connections} connections`,
  )
  for (const [group, rows] of [
    ['package', 16],
    ['function', 40],
  ]) {
    const ofLoad = ([, groups], key) => (groups[group].get(key) ?? 0) / groups.count
    const most = key => Math.max(...each.map(load => ofLoad(load, key)))
    const keys = new Set(each.flatMap(([, groups]) => [...groups[group].keys()]))
    printTable(
      [
        [group, key => key],
        ...each.map(load => [`${load[0]}, µs a request`, key => ofLoad(load, key).toFixed(1)]),
      ],
      [...keys].sort((a, b) => most(b) - most(a)).slice(0, rows),
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
