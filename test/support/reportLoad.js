/*
 * For `node --import`: a process that tells how it bears its load. At each SIGUSR2 it collects its garbage and writes one
 * line to standard error: its memory, and how long it took over the requests since the line before. The time of a request
 * is from its headers to the last byte of its answer, so that a slow client does not count. Admitted requests are also told
 * apart by their header `load-kind`, if they have one.
 */

import { subscribe } from 'node:diagnostics_channel'
import { createHistogram } from 'node:perf_hooks'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc')

const begun = new WeakMap()
const admitted = createHistogram()
const refused = createHistogram()
const byKind = new Map()

subscribe('http.server.request.start', ({ request }) => begun.set(request, performance.now()))
subscribe('http.server.response.finish', ({ request, response }) => {
  const at = begun.get(request)
  if (at === undefined) return
  const microseconds = Math.max(1, Math.round((performance.now() - at) * 1000))
  if ([429, 503].includes(response.statusCode)) {
    refused.record(microseconds)
    return
  }
  admitted.record(microseconds)
  const kind = request.headers['load-kind']
  if (kind === undefined) return
  if (!byKind.has(kind)) byKind.set(kind, createHistogram())
  byKind.get(kind).record(microseconds)
})

const taken = histogram => {
  const { count } = histogram
  const answered = { count, p50: histogram.percentile(50) / 1000, p99: histogram.percentile(99) / 1000 }
  histogram.reset()
  return answered
}

process.on('SIGUSR2', () => {
  collectGarbage()
  const { heapUsed, rss } = process.memoryUsage()
  const kinds = Object.fromEntries([...byKind].map(([kind, histogram]) => [kind, taken(histogram)]))
  const report = { heapUsed, rss, admitted: taken(admitted), refused: taken(refused), kinds }
  process.stderr.write(`${JSON.stringify({ msg: 'load', report })}\n`)
})
