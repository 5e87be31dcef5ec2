import { existsSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
// @ts-expect-error JavaScript, since Jest loads it as it is
import globalSetup from '../../support/globalSetup.js'
// @ts-expect-error the same
import globalTeardown from '../../support/globalTeardown.js'
import { root } from '../../support/imports.ts'
import { dropUnusedDatabases } from './dropUnusedDatabases.ts'
import { mutatePart, type Survivor } from './mutatePart.ts'
import { rooms } from './rooms.ts'

/*
 * Changes the code in a thousand places, one at a time, and looks for changes that no test sees: `npm run mutate`, or
 * `npm run mutate -- tokens decisions` for some rooms. Each survivor is named in survivors.json with its reason. One that
 * is not there fails the run, and so do a reason whose survivor is gone and a change whose tests could not be run.
 */

/** By file: changes that no test sees, and why none has to. */
type Accepted = Readonly<
  Record<string, readonly (Omit<Survivor, 'file' | 'line'> & { readonly reason: string })[]>
>

const accepted: Accepted = JSON.parse(readFileSync(join(root, 'test/proof/mutate/survivors.json'), 'utf8'))
const asked = process.argv.slice(2).filter(name => !name.startsWith('--'))
const unknown = asked.filter(name => !(name in rooms) && !existsSync(join(root, name)))
if (unknown.length > 0) throw new Error(`No such room or file: ${unknown.join(', ')}.`)
/** In the order in which they are asked for. */
const jobs = (asked.length === 0 ? Object.keys(rooms) : asked).flatMap(name =>
  Object.entries(rooms).flatMap(([room, parts]) =>
    parts
      .map(part => ({ room, ...part, mutate: part.mutate.filter(path => name === room || name === path) }))
      .filter(({ mutate }) => mutate.length > 0),
  ),
)

await globalSetup()
// Every process that is started from here on reads TypeScript.
process.env.TEST_DATABASES_AHEAD = '1'
process.env.NODE_OPTIONS = '--import tsx --no-warnings'
const workers = Number(
  process.argv.find(name => name.startsWith('--workers='))?.slice(10) ?? availableParallelism(),
)
const sweeper = setInterval(() => dropUnusedDatabases().catch(() => {}), 20_000)
let problems = 0
try {
  for (const job of jobs) {
    const { survivors, failed, counts, seconds } = await mutatePart(job, workers)
    const { Killed = 0, Timeout = 0, ...others } = counts
    for (const failure of failed) console.log(`FAILED ${failure}`)
    const found = report(job.mutate, survivors) + failed.length
    problems += found
    const seen = `${Killed + Timeout} changes seen by a test, ${Timeout} of them by its time-out`
    const rest = `${survivors.length} survivors, ${found} problems`
    console.log(
      `${job.room}: ${job.mutate.join(', ')}: ${seen}; ${rest}; ${seconds} s ${JSON.stringify(others)}`,
    )
  }
} finally {
  clearInterval(sweeper)
  await globalTeardown()
}
console.log(problems === 0 ? 'Every survivor stands with its reason.' : `${problems} problems.`)
process.exitCode = problems === 0 ? 0 : 1

/** @returns how many survivors have no reason, and how many reasons have no survivor */
function report(files: readonly string[], survivors: readonly Survivor[]): number {
  let found = 0
  for (const file of files) {
    const reasons = [...(accepted[file] ?? [])]
    for (const { line, from, to } of survivors.filter(survivor => survivor.file === file)) {
      const at = reasons.findIndex(reason => reason.from === from && reason.to === to)
      if (at >= 0) reasons.splice(at, 1)
      else {
        found++
        console.log(`SURVIVED ${file}:${line}: ${from}  ->  ${to}`)
      }
    }
    for (const { from, to } of reasons) {
      found++
      console.log(`KILLED, but named in survivors.json: ${file}: ${from}  ->  ${to}`)
    }
  }
  return found
}
