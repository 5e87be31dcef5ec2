import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres } from '../../support/postgres.js'
import { openRandom } from '../chaos/random.ts'
import { type Bed, openEmbeddedBed, openPostgresBed } from './beds.ts'
import { runKills } from './runKills.ts'

/*
 * `npm run kills`: SIGKILL at random points of every mutation, 500 times on PostgreSQL and 100 on the embedded database.
 * SEED repeats a run; KILLS and EMBEDDED_KILLS make it shorter or longer.
 */

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
const random = openRandom(seed)
process.stdout.write(`Seed ${seed}\n`)

let problems = 0
const server = await startPostgres()
const directory = mkdtempSync(join(tmpdir(), 'annul-kills-'))
try {
  await server.createDatabase('kills')
  await run('PostgreSQL', openPostgresBed(server.urlOf('kills')), Number(process.env.KILLS ?? 500))
  await run('embedded', openEmbeddedBed(directory), Number(process.env.EMBEDDED_KILLS ?? 100))
} finally {
  await server.stop()
  rmSync(directory, { recursive: true, force: true })
}
process.stdout.write(
  problems === 0 ? 'Nothing was half done, and nothing was lost.\n' : `SEED=${seed} repeats it.\n`,
)
process.exitCode = problems === 0 ? 0 : 1

async function run(name: string, bed: Bed, kills: number): Promise<void> {
  if (kills === 0) return
  const startedAt = performance.now()
  const report = await runKills(bed, {
    kills,
    mutations: 8,
    random: random.fork(),
    onKill: done => done % 50 === 0 && process.stdout.write(`${name}: ${done} kills\n`),
  })
  await bed.close()
  problems += report.problems.length
  const seconds = Math.round((performance.now() - startedAt) / 1000)
  process.stdout.write(`${name}: ${JSON.stringify({ ...report, seconds }, null, 2)}\n`)
}
