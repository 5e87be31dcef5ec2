import { execFileSync } from 'node:child_process'
import { startPostgres } from '../../support/postgres.js'
import { runChaos } from './chaos.ts'

/* `npm run chaos`: the full run. SEED repeats one; ROTATIONS and THEFTS make it shorter or longer. */

execFileSync('node', ['tools/buildIfNeeded.js'], { stdio: 'inherit' })
const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
const rotations = Number(process.env.ROTATIONS ?? 10_000)
const thefts = Number(process.env.THEFTS ?? 100)
process.stdout.write(`Seed ${seed}: ${rotations} rotations, ${thefts} thefts, two nodes …\n`)

const server = await startPostgres()
try {
  await server.createDatabase('chaos')
  const report = await runChaos({
    databaseUrl: server.urlOf('chaos'),
    seed,
    rotations,
    families: 24,
    thefts,
    killEverySeconds: 5,
  })
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
  const isGood =
    report.honestSignedOut.length === 0 && report.honestStuck === 0 && report.uncaught.length === 0
  process.stdout.write(
    isGood
      ? 'No honest user was signed out, and every thief was caught.\n'
      : `It failed; repeat it with SEED=${seed}.\n`,
  )
  process.exitCode = isGood ? 0 : 1
} finally {
  await server.stop()
}
