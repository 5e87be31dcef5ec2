import { startPostgres } from '../../support/postgres.js'
import { runSoak } from './soak.ts'

/* `npm run soak`: two nodes under twice their capacity. SOAK_SECONDS makes it shorter or longer. Exit status 1: they did not bear it. */

const seconds = Number(process.env.SOAK_SECONDS ?? 300)
const say = (line: string) => process.stdout.write(`${line}\n`)
say(`Two nodes, twice their capacity, for ${seconds} s …`)

const server = await startPostgres()
try {
  await server.createDatabase('soak')
  const report = await runSoak({
    databaseUrl: server.urlOf('soak'),
    seconds,
    fillsCaches: seconds >= 120,
    say,
  })
  say(JSON.stringify(report, null, 2))
  const { growth, admittedP99, unloadedP99, refusedP99, acceptedLate, checks, complaints, refused } = report
  const failures = [
    growth > 0.1 && 'The memory grew by more than a tenth.',
    admittedP99 > 5 * unloadedP99 && 'Admitted requests took more than five times as long as without load.',
    refusedP99 > 50 && 'Refused requests waited for more than 50 ms.',
    refused === 0 && 'Nothing was refused: the load was too small.',
    (checks === 0 || acceptedLate.length > 0) && 'The promise of revocation was broken, or not tested.',
    complaints.length > 0 && 'There were wrong answers or errors.',
  ].filter(failure => failure !== false)
  say(failures.length === 0 ? 'They bore it.' : failures.join('\n'))
  process.exitCode = failures.length === 0 ? 0 : 1
} finally {
  await server.stop()
}
