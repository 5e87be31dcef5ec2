import { readdirSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { openBench } from './support/bench.js'
import { takePlace } from './support/cores.js'
import { machine, printGoals, printTable, writeResult } from './support/report.js'

/* node run.js [bench …] [--rounds 15] [--ms 1000] [--fsync off] [--users 100000]: runs the named benches of benches/, or all. */

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '15' },
    ms: { type: 'string', default: '1000' },
    fsync: { type: 'string', default: 'off' },
    users: { type: 'string', default: '100000' },
  },
})
const options = {
  rounds: Number(values.rounds),
  ms: Number(values.ms),
  fsync: values.fsync,
  users: Number(values.users),
}
const all = readdirSync(new URL('benches/', import.meta.url)).map(file => file.replace(/\.js$/, ''))
const unknown = positionals.filter(name => !all.includes(name))
const enough = options.rounds >= 1 && options.ms >= 100 && options.users >= 1
const valid = enough && ['on', 'off'].includes(options.fsync)
if (unknown.length > 0 || !valid) {
  console.error(
    `Usage: node run.js [${all.join('] [')}] [--rounds 15] [--ms 1000] [--fsync off|on] [--users 100000]`,
  )
  process.exit(2)
}

takePlace()
for (const name of positionals.length > 0 ? positionals : all) {
  const { title, run } = await import(`./benches/${name}.js`)
  const bench = await openBench(options)
  try {
    const on = machine(bench.postgres)
    console.log(`\n${title}`)
    const { columns, rows, goals, ...more } = await run(bench)
    printTable(columns, rows)
    printGoals(goals)
    writeResult(name, { title, machine: on, options, rows, goals, ...more })
  } finally {
    await bench.close()
  }
}
