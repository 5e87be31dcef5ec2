import { parseArgs } from 'node:util'
import postgres from 'postgres'
import { startCluster } from '../../support/cluster.ts'
import { startPostgres } from '../../support/postgres.js'
import { startRedis } from '../../support/redis.ts'
import { until } from '../../support/until.ts'
import { allFresh, type Fault, faults, plantedBug, prove, type TestBed } from './faults.ts'
import { histogram } from './histogram.ts'
import type { Verdict } from './records.ts'
import { redisFaults } from './redisFaults.ts'

/* `npm run prove`: the promise of revocation, put to the test on this machine. Exit status 1: it was broken. */

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    frozen: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
if (options.help) {
  say(`npm run prove -- [--seconds 60] [--frozen]
  --seconds  how long, at least; each fault is tried at least once
  --frozen   adds a node that acknowledges revocations and does not learn them: the checker must find it`)
  process.exit()
}

const redis = await startRedis()
const testBed = await open()
const { cluster } = testBed
say(`${cluster.nodes.length} nodes on PostgreSQL ${await version(testBed)} and ${cluster.verifiers.length} services with a verifier, a lease of ${cluster.leaseMs} ms. Clients of all ask,
refresh and revoke without pause. "Late" are requests that started after a revocation of their token had returned.
`)
say(
  row(
    'what goes wrong',
    'requests',
    'unavailable',
    'revocations',
    'late',
    'accepted late',
    'writes',
    'late writes',
    'other',
  ),
)

const calm: number[] = []
const troubled: number[] = []
const sum = { late: 0, violations: 0, writes: 0, lateWrites: 0, complaints: [] as string[] }
const end = performance.now() + Number(options.seconds) * 1000
const all: Record<string, Fault> = { ...faults, ...redisFaults(redis) }
const names = Object.keys(all)
for (let turn = 0; turn < names.length || performance.now() < end; turn++) {
  const name = names[turn % names.length] ?? 'nothing goes wrong'
  const { records } = await prove(testBed, all[name] ?? faults['nothing goes wrong'])
  add(name, records.verdict())
  ;(name === 'nothing goes wrong' ? calm : troubled).push(...records.waits)
}
if (options.frozen) add('a frozen node, on purpose', (await prove(testBed, plantedBug)).records.verdict())

say(`
${count(sum.violations)} of ${count(sum.late)} late requests were accepted.
${count(sum.lateWrites)} of ${count(sum.writes)} mutations of revoked tokens committed after the revocation had returned.
${count(sum.complaints.length)} honest clients were refused for another reason than an outage, or logged out.${sum.complaints.map(text => `\n  ${text}`).join('')}

How long revoking mutations waited until every node refused (revokedOnAllNodesMs), while nothing went wrong:
${histogram(calm)}
and under faults:
${histogram(troubled)}
`)
await close(testBed)
const broken = sum.violations > 0 || sum.lateWrites > 0 || sum.complaints.length > 0
say(broken ? `BROKEN${options.frozen ? ', on purpose' : ''}.` : 'The promise held.')
process.exit(broken ? 1 : 0)

function add(name: string, verdict: Verdict): void {
  const { requests, unavailable, revocations, tests, violations, writes, lateWrites, complaints } = verdict
  sum.late += tests
  sum.violations += violations.length
  sum.writes += writes
  sum.lateWrites += lateWrites.length
  sum.complaints.push(...complaints)
  const late = [tests, violations.length, writes, lateWrites.length]
  const counts = [requests, unavailable, revocations, ...late, complaints.length]
  say(row(name, ...counts.map(count)))
}

function row(name: string, ...cells: string[]): string {
  const widths = [10, 13, 13, 8, 15, 8, 13, 7]
  return name.padEnd(50) + cells.map((cell, index) => cell.padStart(widths[index] ?? 0)).join('')
}

async function open(): Promise<TestBed> {
  const server = await startPostgres({ flags: ['track_commit_timestamp=on'] })
  await server.createDatabase('prove')
  const databaseUrl = server.urlOf('prove')
  const started = await startCluster({ databaseUrl, env: { ANNUL_REDIS_URL: redis.url } })
  await Promise.all([started.startVerifier(), started.startVerifier()])
  await until(() => allFresh(started))
  return { cluster: started, postgres: server, sql: postgres(databaseUrl, { max: 1, onnotice: () => {} }) }
}

async function close({ cluster, postgres, sql }: TestBed): Promise<void> {
  await cluster.close()
  await sql.end()
  await postgres.stop()
  await redis.close()
}

async function version({ sql }: TestBed): Promise<string> {
  const [found] = await sql`show server_version`
  return String(found?.server_version)
}

function count(number: number): string {
  return number.toLocaleString('en-US')
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}
