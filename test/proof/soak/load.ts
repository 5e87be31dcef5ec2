import type { ClusterNode } from '../../support/cluster.ts'
import { until } from '../../support/until.ts'

/** Requests that a node has answered, by its own clock. Times are in milliseconds. */
export interface Answered {
  readonly count: number
  readonly p50: number
  readonly p99: number
}

/** What a node says of itself (reportLoad.js), since it was asked before. */
export interface NodeLoad {
  /** Bytes, after its garbage was collected. */
  readonly heapUsed: number
  readonly rss: number
  readonly admitted: Answered
  /** With 429 or 503. */
  readonly refused: Answered
  /** The admitted ones, by what was asked (Kind). */
  readonly kinds: Readonly<Record<string, Answered>>
}

/** Asks a node how it bears its load. A node that works through a full queue answers late. */
export async function loadOf(node: ClusterNode): Promise<NodeLoad> {
  const before = reportsOf(node).length
  node.signal('SIGUSR2')
  await until(() => reportsOf(node).length > before, Boolean, 60_000)
  const [last] = reportsOf(node).slice(-1)
  if (last === undefined) throw new Error('A node has not told its load.')
  return (JSON.parse(last) as { report: NodeLoad }).report
}

function reportsOf({ log }: ClusterNode): string[] {
  return log.filter(line => line.startsWith('{"msg":"load"'))
}
