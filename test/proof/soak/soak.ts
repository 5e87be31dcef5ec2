import { setTimeout as delay } from 'node:timers/promises'
import { type Cluster, type ClusterNode, startCluster } from '../../support/cluster.ts'
import { inParallel } from '../prove/population.ts'
import type { Kind } from './ask.ts'
import { Clients } from './clients.ts'
import { type Answered, loadOf, type NodeLoad } from './load.ts'

export interface SoakReport {
  /** Requests per second that two nodes answer, when each client waits for its answer. */
  readonly capacityPerSecond: number
  /** Requests per second that the clients sent during the soak: twice the capacity, unless they could not. */
  readonly sentPerSecond: number
  /** The most requests at a time of each node (ANNUL_MAX_IN_FLIGHT). */
  readonly maxInFlight: number
  readonly seconds: number
  readonly admitted: number
  readonly refused: number
  /** Milliseconds, by the nodes' clocks: of a single client at a time, and during the soak. */
  readonly unloadedP99: number
  readonly admittedP99: number
  readonly refusedP99: number
  /** The admitted ones during the soak, by what was asked. */
  readonly byKind: Readonly<Record<string, Pick<Answered, 'p50' | 'p99'>>>
  /** As the clients see it, who have no core of their own: with the time in the sockets of both sides. */
  readonly clients: { readonly admittedP99: number; readonly refusedP99: number }
  /** Bytes of the heap of all nodes together, after a collection: after the warm-up, and at the end. */
  readonly heapAtFirst: number
  readonly heapAtLast: number
  /** How much the heap has grown; 0.1 is a tenth. */
  readonly growth: number
  readonly rssAtFirst: number
  readonly rssAtLast: number
  readonly revocations: number
  /** Questions with a token whose revocation had returned, and those that were accepted: there must be none. */
  readonly checks: number
  readonly acceptedLate: readonly string[]
  readonly sockets: number
  /** Wrong answers, lines of errors in the logs, and nodes that ended: there must be none. */
  readonly complaints: readonly string[]
}

const workers = 32
/** Requests at a time share the processor: each of five takes up to five times as long as alone. */
const maxInFlight = 5
/** More requests without an answer are not sent: the clients would measure their own memory. */
const mostOutstanding = 1000
const tickMs = 10

/**
 * Two nodes under twice the load that they can bear, for a while: they must answer what they admit, refuse the rest at
 * once, grow by nothing, and keep the promise of revocation.
 */
export async function runSoak(options: {
  databaseUrl: string
  seconds: number
  /** Whether what nodes remember of tokens is full before their memory is looked at; takes half a minute. Default: no. */
  fillsCaches?: boolean
  say?: (line: string) => void
}): Promise<SoakReport> {
  const { databaseUrl, seconds, fillsCaches = false, say = () => {} } = options
  const quiet = { ANNUL_LOG_LEVEL: 'warn', ANNUL_LIMITS: 'off' }
  // The default lease: a node that does not get to its turn for long must not ask the database for each decision.
  const cluster = await startCluster({ databaseUrl, nodes: 2, leaseMs: 2000, env: quiet, hasNoProxies: true })
  try {
    const { capacityPerSecond, unloadedP99 } = await measure(cluster, Math.min(10, seconds / 6))
    say(`Capacity ${Math.round(capacityPerSecond)}/s, unloaded p99 ${unloadedP99} ms …`)
    for (const node of [...cluster.nodes]) {
      await cluster.start({ env: { ANNUL_MAX_IN_FLIGHT: String(maxInFlight) }, preload: 'reportLoad.js' })
      await node.stop()
    }
    const clients = await Clients.open(cluster)
    if (fillsCaches) await clients.fillCaches()
    await Promise.all(cluster.nodes.map(loadOf))
    const flood = startFlood(clients, 2 * capacityPerSecond)
    // Seldom: each report begins with a collection, which stops the node for a moment.
    const everyMs = Math.max(2000, (seconds * 1000) / 20)
    const loads: NodeLoad[][] = []
    for (const end = performance.now() + seconds * 1000; performance.now() < end; ) {
      await delay(everyMs)
      loads.push(await Promise.all([...cluster.nodes].map(loadOf)))
    }
    const sentPerSecond = await flood.stop()
    await clients.checkAll()
    const { counts, acceptedLate } = clients
    const kinds: readonly Kind[] = ['query', 'refresh', 'login', 'revoke', 'check']
    const heap = ends(loads, ({ heapUsed }) => heapUsed)
    const rss = ends(loads, load => load.rss)
    return {
      capacityPerSecond,
      sentPerSecond,
      maxInFlight,
      seconds,
      admitted: counts.admitted,
      refused: counts.shed,
      unloadedP99,
      admittedP99: mediansOf(loads.flat().map(({ admitted }) => admitted)).p99,
      refusedP99: mediansOf(loads.flat().map(({ refused }) => refused)).p99,
      byKind: Object.fromEntries(
        kinds.map(kind => [kind, mediansOf(loads.flat().map(load => load.kinds[kind]))]),
      ),
      clients: {
        admittedP99: clients.times.admitted.percentile(99) / 1000,
        refusedP99: clients.times.shed.percentile(99) / 1000,
      },
      heapAtFirst: heap.first,
      heapAtLast: heap.last,
      growth: heap.last / heap.first - 1,
      rssAtFirst: rss.first,
      rssAtLast: rss.last,
      revocations: counts.revocations,
      checks: counts.checks,
      acceptedLate,
      sockets: counts.sockets,
      complaints: [...clients.complaints, ...cluster.deaths, ...errorsOf(cluster.nodes)],
    }
  } finally {
    await cluster.close()
  }
}

/** How much the nodes bear, and how long a request takes while there is no other. */
async function measure(cluster: Cluster, seconds: number) {
  const first = [...cluster.nodes]
  for (const _ of first) await cluster.start({ preload: 'reportLoad.js' })
  for (const node of first) await node.stop()
  const clients = await Clients.open(cluster)
  const repeat = (until: number) => async () => {
    while (performance.now() < until) await clients.act()
  }
  const run = (width: number, seconds: number) =>
    inParallel(
      width,
      Array.from({ length: width }, () => repeat(performance.now() + seconds * 1000)),
      act => act(),
    )
  // What was compiled just now counts in neither.
  await run(workers, seconds / 2)
  await Promise.all(cluster.nodes.map(loadOf))
  const before = clients.counts.admitted
  const startedAt = performance.now()
  await run(workers, seconds)
  const capacityPerSecond = ((clients.counts.admitted - before) / (performance.now() - startedAt)) * 1000
  await Promise.all(cluster.nodes.map(loadOf))
  await run(1, seconds)
  const loads = await Promise.all(cluster.nodes.map(loadOf))
  if (clients.complaints.length > 0) throw new Error(`Before the soak: ${clients.complaints[0]}`)
  return { capacityPerSecond, unloadedP99: Math.max(...loads.map(({ admitted }) => admitted.p99)) }
}

/** Sends at a steady rate, whether or not answers come. */
function startFlood(clients: Clients, perSecond: number) {
  const startedAt = performance.now()
  let sent = 0
  const outstanding = new Set<Promise<void>>()
  const timer = setInterval(() => {
    const due = ((performance.now() - startedAt) / 1000) * perSecond
    // What could not be sent in time is not made up for later, in a wave.
    const most = (perSecond * tickMs * 3) / 1000
    for (let count = 0; sent < due && count < most && outstanding.size < mostOutstanding; count++) {
      sent++
      const act = clients.act().finally(() => outstanding.delete(act))
      outstanding.add(act)
    }
  }, tickMs)
  return {
    /** @returns requests per second */
    async stop(): Promise<number> {
      clearInterval(timer)
      const perSecond = (sent / (performance.now() - startedAt)) * 1000
      await Promise.all(outstanding)
      return perSecond
    },
  }
}

/** The second quarter of the run, when everything is warm, and the last. */
function ends(loads: readonly NodeLoad[][], of: (load: NodeLoad) => number) {
  const sums = loads.map(nodes => nodes.reduce((sum, load) => sum + of(load), 0))
  const quarter = Math.max(1, Math.floor(sums.length / 4))
  return { first: median(sums.slice(quarter, 2 * quarter)), last: median(sums.slice(-quarter)) }
}

/** Of reports in which there were such requests. */
function mediansOf(reports: readonly (Answered | undefined)[]) {
  const told = reports.filter(report => report !== undefined).filter(({ count }) => count > 0)
  return { p50: median(told.map(({ p50 }) => p50)), p99: median(told.map(({ p99 }) => p99)) }
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0
}

/** Lines of errors. The limit of requests is no error. */
function errorsOf(nodes: readonly ClusterNode[]): string[] {
  return nodes
    .flatMap(({ log }) => log)
    .filter(line => !line.startsWith('{"msg":"load"') && !/"level":(30|40)/.test(line))
    .slice(0, 20)
}
