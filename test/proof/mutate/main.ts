import { existsSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import globalSetup from '../../support/globalSetup.js'
import globalTeardown from '../../support/globalTeardown.js'
import { root } from '../../support/imports.ts'
import { dropUnusedDatabases } from './dropUnusedDatabases.ts'
import { mutateRoom, type Survivor } from './mutateRoom.ts'
import { rooms } from './rooms.ts'

/*
 * Changes the code in a thousand places, one at a time, and looks for changes that no test sees: `npm run mutate`, or
 * `npm run mutate -- tokens decisions` for some rooms. Each survivor is named in survivors.json with its reason. One that
 * is not there fails the run, and so does a reason whose survivor is gone.
 */

/** By file: changes that no test sees, and why none has to. */
type Accepted = Readonly<Record<string, readonly (Omit<Survivor, 'file'> & { readonly reason: string })[]>>

const accepted: Accepted = JSON.parse(readFileSync(join(root, 'test/proof/mutate/survivors.json'), 'utf8'))
const names = process.argv.slice(2)
const unknown = names.filter(name => !rooms.some(room => room.name === name))
if (unknown.length > 0) throw new Error(`No such room: ${unknown.join(', ')}.`)
const chosen = rooms
  .filter(({ name }) => names.length === 0 || names.includes(name))
  .filter(({ mutate }) => mutate.some(glob => existsSync(join(root, glob.replace(/\/[^/]*\*.*$/, '')))))

await globalSetup()
const sweeper = setInterval(() => dropUnusedDatabases().catch(() => {}), 20_000)
let problems = 0
try {
  for (const room of chosen) {
    const { survivors, counts } = await mutateRoom(room, availableParallelism())
    console.log(`${room.name}: ${JSON.stringify(counts)}`)
    problems += report(survivors)
  }
} finally {
  clearInterval(sweeper)
  await globalTeardown()
}
console.log(problems === 0 ? 'Every survivor stands with its reason.' : `${problems} problems.`)
process.exitCode = problems === 0 ? 0 : 1

function report(survivors: readonly Survivor[]): number {
  let found = 0
  const left = new Map(Object.entries(accepted).map(([file, list]) => [file, [...list]]))
  for (const survivor of survivors) {
    const reasons = left.get(survivor.file) ?? []
    const at = reasons.findIndex(({ from, to }) => from === survivor.from && to === survivor.to)
    if (at >= 0) reasons.splice(at, 1)
    else {
      found++
      console.log(`SURVIVED ${survivor.file}: ${survivor.from}  ->  ${survivor.to}`)
    }
  }
  const files = new Set(survivors.map(({ file }) => file))
  for (const [file, reasons] of left)
    if (files.has(file))
      for (const { from, to } of reasons) {
        found++
        console.log(`KILLED, but named in survivors.json: ${file}: ${from}  ->  ${to}`)
      }
  return found
}
