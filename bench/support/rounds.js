import { busySeconds } from './cores.js'
import { median, medianInterval } from './statistics.js'

/*
 * Paired rounds. In each, every row runs for a slice of time, one right after the other, and is compared with the
 * baseline of the same round: what the machine does beside the bench hits all of them alike. The order turns from
 * round to round, so that none profits from its place.
 *
 * A row is { name, slice(ms) -> { count, perSecond, p50?, p99?, cpu }, against?, warmUpMs? }: `cpu` in microseconds of
 * the measured process, `against` the name of a baseline of its own, `warmUpMs` its own longest warm-up.
 */

/** Code is compiled by how often it ran, so what is slow warms up longer; but not for ever. */
async function warmUp(row, mostMs) {
  const start = performance.now()
  for (let count = 0; count < 5000 && performance.now() - start < mostMs; )
    count += (await row.slice(1500)).count
}

/**
 * @param options.baseline the name of the row that the ratios are to, where a row names none
 * @param options.warmUpMs at most, for each row; default 30,000
 * @returns one summary a row
 */
export async function pairedRounds(rows, { baseline, ...options }) {
  return summaries(rows, await takeRounds(rows, options), baseline)
}

/**
 * The same with several sets of processes, one after the other, each for its share of the rounds. Two processes of one
 * build differ for as long as they live, so that a single one tells about itself.
 *
 * @param start starts the set of this number, from 0; returns its rows, of the same names each time, and how the set is stopped
 */
export async function roundsOfSets(start, { sets, rounds, baseline, ...options }) {
  const slices = new Map()
  const ofSet = Math.ceil(rounds / sets)
  let last = []
  for (let set = 0; set < sets; set++) {
    const { rows, stop } = await start(set)
    const taken = await takeRounds(rows, { ...options, rounds: ofSet, first: set * ofSet })
    for (const [name, more] of taken) slices.set(name, [...(slices.get(name) ?? []), ...more])
    last = rows
    await stop()
  }
  return summaries(last, slices, baseline)
}

/**
 * @param options.first the number of the first round, from which the order of its rows follows
 * @returns the slices of each row, by its name, one a round
 */
async function takeRounds(rows, { rounds, first = 0, ms, warmUpMs = 30_000 }) {
  for (const row of rows) await warmUp(row, row.warmUpMs ?? warmUpMs)
  const slices = new Map(rows.map(row => [row.name, []]))
  for (let round = first; round < first + rounds; round++) {
    for (let place = 0; place < rows.length; place++) {
      const forward = Math.floor(round / rows.length) % 2 === 0
      const row = rows[((forward ? place : rows.length - 1 - place) + round) % rows.length]
      slices.get(row.name).push(await row.slice(ms))
    }
  }
  return slices
}

function summaries(rows, slices, baseline) {
  return rows.map(({ name, against = baseline ?? name }) =>
    summarize(name, slices.get(name), slices.get(against)),
  )
}

function summarize(name, slices, base) {
  const ratios = slices.map((slice, round) => slice.perSecond / base[round].perSecond)
  const cpuOf = slice => slice.cpu / slice.count
  const cpuRatios = slices.map((slice, round) => cpuOf(base[round]) / cpuOf(slice))
  return {
    name,
    perSecond: median(slices.map(slice => slice.perSecond)),
    ratio: median(ratios),
    interval: medianInterval(ratios),
    cpuMicroseconds: median(slices.map(cpuOf)),
    ...(slices[0].others !== undefined && { others: median(slices.map(slice => slice.others)) }),
    cpuRatio: median(cpuRatios),
    cpuInterval: medianInterval(cpuRatios),
    ...(slices[0].p50 !== undefined && {
      p50: median(slices.map(slice => slice.p50)),
      p99: median(slices.map(slice => slice.p99)),
    }),
    rounds: slices.length,
    count: slices.reduce((sum, slice) => sum + slice.count, 0),
    ratios: ratios.map(ratio => Number(ratio.toFixed(4))),
  }
}

/**
 * Wraps a slice so that it tells the CPU time of the process it runs in, and which share of that process's core others
 * took meanwhile: what is far above 0 makes the figures doubtful.
 */
export function withCpu(server, slice) {
  return async ms => {
    const start = { cpu: await server.call('cpu'), busy: busySeconds(), at: performance.now() }
    const measured = await slice(ms)
    const cpu = (await server.call('cpu')) - start.cpu
    const busy = busySeconds()
    if (busy === undefined) return { ...measured, cpu }
    const seconds = (performance.now() - start.at) / 1000
    return { ...measured, cpu, others: Math.max(0, (busy - start.busy - cpu / 1e6) / seconds) }
  }
}

/** The columns of such a summary, for the table. */
export const roundColumns = [
  ['', row => row.name],
  ['per second', row => row.perSecond.toFixed(0)],
  [
    'ratio (95 %)',
    row => `${row.ratio.toFixed(3)} (${row.interval.map(end => end.toFixed(3)).join(' to ')})`,
  ],
  ['CPU µs each', row => row.cpuMicroseconds.toFixed(0)],
  [
    'ratio by CPU (95 %)',
    row => `${row.cpuRatio.toFixed(3)} (${row.cpuInterval.map(end => end.toFixed(3)).join(' to ')})`,
  ],
  ['others', row => (row.others === undefined ? '' : `${(100 * row.others).toFixed(0)} %`)],
  ['p50 ms', row => row.p50?.toFixed(2) ?? ''],
  ['p99 ms', row => row.p99?.toFixed(2) ?? ''],
]
