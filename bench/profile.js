import { existsSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { loginRequest, registerMany } from './support/accounts.js'
import { openBench } from './support/bench.js'
import { takePlace } from './support/cores.js'
import { printTable } from './support/report.js'

/*
 * node profile.js [subject] guarded|unguarded|refresh|login … [file.cpuprofile]: where the server's CPU time goes under
 * that load, by part (a package, or a file of Annul's own, with Node's functions that it calls), and by function without
 * those that it calls. The subject is a file of subjects/, by default Annul's own server. Several loads are profiled in
 * turns, on one server, and stand beside each other. The file is for a browser's developer tools, and holds the last turn.
 *
 * The profiler also counts time in which the server waits for its core: only its shares are used, of the CPU time.
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
  const spent = new Map(
    loads.map(name => [name, { count: 0, cpu: 0, sampled: 0, part: new Map(), function: new Map() }]),
  )
  for (let round = 0; round < rounds; round++)
    for (const [name, run] of runs) {
      await server.call('startProfile')
      const start = await server.call('cpu')
      const { count } = await run()
      spent.get(name).cpu += (await server.call('cpu')) - start
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
  const byId = new Map(nodes.map(node => [node.id, node]))
  const callerOf = new Map(nodes.flatMap(({ id, children = [] }) => children.map(child => [child, id])))
  /** Whose work it is: of a function of Node's or the engine's, that of the package that calls it. */
  const partOf = id => {
    for (let at = id; at !== undefined; at = callerOf.get(at)) {
      const { package: from, file } = placeOf(byId.get(at).callFrame.url)
      if (from !== '' && from !== 'node') return from === 'annul' ? file : from
    }
    const { functionName } = byId.get(id).callFrame
    return functionName.startsWith('(') ? functionName : 'node'
  }
  const count = (map, key, time) => map.set(key, (map.get(key) ?? 0) + time)
  samples.forEach((id, index) => {
    const { functionName, url, lineNumber } = byId.get(id).callFrame
    // The last one is the profiler's own.
    if (url === '' && ['(idle)', 'dispatch'].includes(functionName)) return
    groups.sampled += timeDeltas[index]
    count(groups.part, partOf(id), timeDeltas[index])
    const name = `${functionName || '(anonymous)'}  ${placeOf(url).file}:${lineNumber + 1}`
    count(groups.function, name, timeDeltas[index])
  })
}

function print(spent) {
  const each = [...spent]
  console.log(
    `${subject}: ${each.map(([name, { count }]) => `${count} times ${name}`).join(', ')}, ${connections} connections`,
  )
  for (const [group, rows] of [
    ['part', 24],
    ['function', 40],
  ]) {
    const ofLoad = ([, { cpu, sampled, count, [group]: times }], key) =>
      ((times.get(key) ?? 0) / sampled) * (cpu / count)
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
