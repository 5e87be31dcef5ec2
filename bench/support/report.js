import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { pinned } from './cores.js'

/** Prints a table: columns are [heading, row => text]. */
export function printTable(columns, rows) {
  const cells = [
    columns.map(([heading]) => heading),
    ...rows.map(row => columns.map(([, text]) => text(row))),
  ]
  const widths = columns.map((_, index) => Math.max(...cells.map(row => row[index].length)))
  for (const row of cells)
    console.log(
      `  ${row.map((cell, index) => (index === 0 ? cell.padEnd(widths[index]) : cell.padStart(widths[index]))).join('   ')}`,
    )
}

/**
 * Prints what was to be reached, and whether it was: { text, reached }[]. `reached` is true, false, or undefined where
 * the noise was too great to tell.
 */
export function printGoals(goals = []) {
  for (const { text, reached } of goals)
    console.log(`  ${reached === undefined ? 'unclear' : reached ? 'reached' : 'MISSED '}  ${text}`)
}

/** What the figures were measured on, which is half of what they mean. */
export function machine(postgres) {
  const processors = cpus()
  return {
    date: new Date().toISOString(),
    node: process.version,
    postgres: postgres.version,
    processor: processors[0]?.model.trim(),
    cores: processors.length,
    serverHasItsOwnCore: pinned,
    /** Above 0: others used the machine before the bench did. */
    loadBefore: Number(loadavg()[0].toFixed(2)),
  }
}

export function writeResult(name, result) {
  const folder = new URL('../results/', import.meta.url)
  mkdirSync(folder, { recursive: true })
  const rounded = (_, value) => (typeof value === 'number' ? Number(value.toPrecision(6)) : value)
  writeFileSync(new URL(`${name}.json`, folder), `${JSON.stringify(result, rounded, 2)}\n`)
}
