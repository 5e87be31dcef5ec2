import { setTimeout as delay } from 'node:timers/promises'
import type postgres from 'postgres'
import type { Cluster, ClusterNode } from '../../support/cluster.ts'
import type { TestPostgres } from '../../support/postgres.js'
import { until } from '../../support/until.ts'
import { someOf } from './population.ts'
import { Trial } from './trial.ts'

/** The processes in which faults are caused. */
export interface TestBed {
  readonly cluster: Cluster
  readonly postgres: TestPostgres
  /** A connection to the database that no proxy stands in. */
  readonly sql: postgres.Sql
}

/** Causes a fault and ends it. @throws Error when the fault did not happen, so that the trial proves nothing */
export type Fault = (testBed: TestBed, trial: Trial) => Promise<void>

export const faults = {
  'nothing goes wrong': async ({ cluster }, trial) => {
    await trial.revoked(20)
    for (const node of cluster.nodes)
      must(
        (await metric(node, 'annul_decisions_total{path="view",outcome="accepted"}')) > 0,
        'Nobody used the view.',
      )
  },

  "the listener's backend is terminated": async ({ sql }, trial) => {
    let rounds = 0
    for (const revoked = done(trial.revoked(15)); !revoked.is || rounds < 3; await delay(200)) {
      const ended = await sql`select pg_terminate_backend(pid) from pg_stat_activity
        where application_name = 'annul-follow' and datname = current_database()`
      if (ended.length > 0) rounds++
    }
  },

  'every NOTIFY is lost': async ({ cluster: { nodes } }, trial) => {
    for (const { proxy } of nodes) proxy.set('deaf')
    await trial.revoked(15)
    must(
      nodes.every(({ proxy }) => proxy.lost > 0),
      'No notification was lost.',
    )
    for (const { proxy } of nodes) proxy.set('forward')
  },

  'the database is unreachable for one node': async ({ cluster }, trial) => {
    const node = someOf(cluster.nodes)
    node.proxy.set('drop')
    await until(async () => (await fetch(`${node.url}/readyz`)).status === 503)
    await trial.revoked(10)
    node.proxy.set('forward')
  },

  'a node is stopped past its lease and continued': async ({ cluster }, trial) => {
    const node = someOf(cluster.nodes)
    for (const leases of [0.5, 1.2, 2]) {
      node.signal('SIGSTOP')
      await Promise.all([delay(leases * cluster.leaseMs), trial.revoked(4)])
      node.signal('SIGCONT')
      await delay(100)
    }
  },

  'a node is killed, and another takes its place': async ({ cluster, sql }, trial) => {
    await someOf(cluster.nodes).kill()
    await Promise.all([cluster.start(), trial.revoked(10)])
    // The first mutation that waits for the killed node in vain removes its row.
    await until(async () => (await sql`select from annul.nodes`).length === cluster.nodes.length)
  },

  'a verifier is stopped past its lease and continued': async ({ cluster }, trial) => {
    const verifier = someOf(cluster.verifiers)
    for (const leases of [0.5, 1.2, 2]) {
      verifier.signal('SIGSTOP')
      await Promise.all([delay(leases * cluster.leaseMs), trial.revoked(4)])
      verifier.signal('SIGCONT')
      await delay(100)
    }
  },

  'a verifier is killed, and another takes its place': async ({ cluster }, trial) => {
    await someOf(cluster.verifiers).kill()
    await Promise.all([cluster.startVerifier(), trial.revoked(10)])
  },

  'the database is restarted': async ({ postgres, sql }, trial) => {
    await crash(postgres, sql)
    await postgres.start()
    await trial.revoked(10)
  },

  'a revocation commits seconds after later ones': async ({ sql }, trial) => {
    await sql`create table if not exists late (subject uuid)`
    await sql.unsafe(`
      create or replace function be_late() returns trigger language plpgsql as $$ begin
        perform pg_sleep(2.5) from late where subject = new.subject; return null; end $$;
      drop trigger if exists be_late on annul.revocations;
      create trigger be_late after insert on annul.revocations for each row execute function be_late()`)
    const verbs = ['logout', 'theft', 'revokeSessions', 'blockUser'] as const
    const tries = [1, 2, 3, 4].map(() => verbs.map(verb => ({ verb, family: trial.take() })))
    // On a busy machine a late transaction may reach its deadline, or others may be too slow to pass it.
    for (const families of tries) {
      const subjects = families.map(({ family }) => [family.laptop.session, family.user])
      await sql`insert into late select unnest(${subjects.flat()}::uuid[])`
      await Promise.all(families.map(({ verb, family }) => trial.revoke(verb, family)))
      // A cursor by the sequence of ids, or by time, would have missed a row that others have passed.
      const late = await sql<{ subject: string; passed: boolean }[]>`
        with committed as (
          select id, subject, pg_xact_commit_timestamp(xmin) as at from annul.revocations)
        select subject, exists (
          select from committed as other where other.id > one.id and other.at < one.at - interval '1 s') as passed
        from committed as one where subject = any (${subjects.flat()}::uuid[])`
      const allCommitted = subjects.every(ids => late.some(({ subject }) => ids.includes(subject)))
      if (allCommitted && late.every(({ passed }) => passed)) return
    }
    throw new Error('Nothing was revoked later and committed earlier.')
  },

  'the clocks of two nodes are hours off': async ({ cluster }, trial) => {
    const hour = 3_600_000
    const [ahead, behind] = await Promise.all(
      [hour, -hour].map(skewMs =>
        cluster.start({ preload: 'skewClock.js', env: { CLOCK_SKEW_MS: String(skewMs) } }),
      ),
    )
    if (!ahead || !behind) throw new Error('Two nodes were started.')
    await trial.revoked(8)
    must(Math.abs(clockOf(ahead) - Date.now() - hour) < hour / 10, 'The clock is not ahead.')
    must(Math.abs(clockOf(behind) - Date.now() + hour) < hour / 10, 'The clock is not behind.')
    // One clock is set right while the load goes on.
    behind.signal('SIGUSR2')
    await trial.revoked(8)
    must(Math.abs(clockOf(behind) - Date.now()) < hour / 10, 'The clock was not set.')
    await Promise.all([ahead, behind].map(node => node.stop()))
  },
} as const satisfies Record<string, Fault>

export type FaultName = keyof typeof faults

/** A node that acknowledges revocations without learning them: the checker must find its acceptances. */
export const plantedBug: Fault = async ({ cluster }, trial) => {
  const frozen = await cluster.start({ preload: 'freezeView.js' })
  await until(() => trial.records.verdict().violations.length, Boolean, 30_000)
  await frozen.kill()
}

/** Runs a trial, and causes a fault in the middle of it. */
export async function prove(
  testBed: TestBed,
  fault: Fault,
  options: { everyMs?: number } = {},
): Promise<Trial> {
  const { cluster } = testBed
  const trial = await Trial.start(cluster, options.everyMs ?? 50)
  try {
    await delay(300)
    await fault(testBed, trial)
    await until(() => allFresh(cluster), Boolean, 30_000)
    await delay(300)
  } finally {
    await trial.end()
  }
  await trial.records.readCommits(testBed.sql)
  if (cluster.deaths.length > 0) throw new Error(cluster.deaths.join('\n'))
  return trial
}

/** Every node and every verifier decides from memory. */
export async function allFresh({ nodes, verifiers, leaseMs }: Cluster): Promise<boolean> {
  const ages = await Promise.all(nodes.map(node => metric(node, 'annul_view_age_seconds')))
  const fresh = await Promise.all(verifiers.map(verifier => verifier.isFresh()))
  return ages.every(age => age * 1000 < leaseMs) && fresh.every(Boolean)
}

/** A figure of `/metrics`; NaN where there is none. */
export async function metric({ url }: Pick<ClusterNode, 'url'>, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  const line = text.split('\n').find(each => each.startsWith(`${name} `))
  return Number(line?.slice(name.length) ?? 'none')
}

/** SIGQUIT to the postmaster: an immediate shutdown, and a recovery at the next start. */
async function crash(server: TestPostgres, sql: postgres.Sql): Promise<void> {
  const [found] = await sql`select pg_read_file('postmaster.pid') as file`
  const pid = Number(String(found?.file).split('\n')[0])
  process.kill(pid, 'SIGQUIT')
  // Waits for the end of the process. Its further signal changes nothing.
  await server.halt()
}

/** The clock of a node, as the last line of its log shows it. */
function clockOf(node: ClusterNode): number {
  return (JSON.parse(node.log.at(-1) ?? '{}') as { time: number }).time
}

function must(condition: boolean, message: string): void {
  if (!condition) throw new Error(message)
}

/** Whether a promise has been fulfilled, readable at any time. */
function done(promise: Promise<void>): { is: boolean } {
  const state = { is: false }
  void promise.then(() => {
    state.is = true
  })
  return state
}
