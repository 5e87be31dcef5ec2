import { setTimeout as delay } from 'node:timers/promises'
import type postgres from 'postgres'
import type { Cluster, ClusterNode } from '../cluster.ts'
import type { TestPostgres } from '../postgres.js'
import { someOf } from './population.ts'
import { Trial } from './trial.ts'

/** What a fault is caused with. */
export interface Ground {
  readonly cluster: Cluster
  readonly postgres: TestPostgres
  /** Straight to the database, past the proxies. */
  readonly sql: postgres.Sql
}

/** Causes it, and ends it. @throws Error when it was not really caused: then nothing was shown */
type Fault = (ground: Ground, trial: Trial) => Promise<void>

export const faults = {
  "the listener's backend is terminated": async ({ sql }) => {
    let terminated = 0
    await repeat(2000, 250, async () => {
      const ended = await sql`select pg_terminate_backend(pid) from pg_stat_activity
        where application_name = 'annul-follow' and datname = current_database()`
      terminated += ended.length
    })
    must(terminated >= 3, 'Hardly any listener was there to be terminated.')
  },

  'every NOTIFY is lost': async ({ cluster }) => {
    for (const { proxy } of cluster.nodes) proxy.set('deaf')
    await delay(2000)
    must(
      cluster.nodes.every(({ proxy }) => proxy.lost > 0),
      'No notification was lost.',
    )
    for (const { proxy } of cluster.nodes) proxy.set('forward')
  },

  'the database is unreachable for one node': async ({ cluster }) => {
    const node = someOf(cluster.nodes)
    node.proxy.set('drop')
    await until(async () => (await fetch(`${node.url}/readyz`)).status === 503)
    await delay(1000)
    node.proxy.set('forward')
  },

  'a node is stopped past its lease and continued': async ({ cluster }) => {
    const node = someOf(cluster.nodes)
    for (const stoppedLeases of [0.5, 1.2, 2]) {
      node.signal('SIGSTOP')
      await delay(stoppedLeases * cluster.leaseMs)
      node.signal('SIGCONT')
      await delay(200)
    }
  },

  'a node is killed, and another takes its place': async ({ cluster, sql }) => {
    await someOf(cluster.nodes).kill()
    await cluster.start()
    // The dead one's row is removed by who waited for it.
    await until(async () => (await sql`select from annul.nodes`).length === cluster.nodes.length)
  },

  'the database is restarted': async ({ postgres, sql }) => {
    await crash(postgres, sql)
    await postgres.start()
    await delay(1000)
  },

  'a revocation commits seconds after later ones': async ({ sql }, trial) => {
    const families = Array.from({ length: 4 }, () => trial.take())
    await sql`create table if not exists late (subject uuid)`
    await sql.unsafe(`
      create or replace function be_late() returns trigger language plpgsql as $$ begin
        perform pg_sleep(2) from late where subject = new.subject; return null; end $$;
      create or replace trigger be_late after insert on annul.revocations for each row execute function be_late()`)
    for (const { laptop, user } of families) await sql`insert into late values (${laptop.session}), (${user})`
    const before = performance.now()
    await Promise.all(
      (['logout', 'theft', 'revokeSessions', 'blockUser'] as const).map(async (verb, index) => {
        const family = families[index]
        if (family) await trial.kill(verb, family)
      }),
    )
    const { kills } = trial.records
    const late = kills.filter(kill => kill.start >= before && (kill.returned ?? 0) - kill.start >= 2000)
    must(late.length === 4, 'The late ones were not late.')
    must(
      late.every(one =>
        kills.some(
          other =>
            other.start > one.start &&
            (other.returned ?? Number.POSITIVE_INFINITY) < (one.returned ?? 0) - 1000,
        ),
      ),
      'Nothing was revoked later and committed earlier.',
    )
    await sql`drop trigger be_late on annul.revocations`
  },

  'the clocks of two nodes are hours off': async ({ cluster }) => {
    const hour = 3_600_000
    const [ahead, behind] = await Promise.all(
      [hour, -hour].map(skewMs =>
        cluster.start({ preload: 'skewClock.js', env: { CLOCK_SKEW_MS: String(skewMs) } }),
      ),
    )
    if (!ahead || !behind) throw new Error('Two nodes were started.')
    await delay(700)
    must(Math.abs(clockOf(ahead) - Date.now() - hour) < hour / 10, 'The clock is not ahead.')
    must(Math.abs(clockOf(behind) - Date.now() + hour) < hour / 10, 'The clock is not behind.')
    // And one of them is set right in the middle of everything.
    behind.signal('SIGUSR2')
    await delay(700)
    must(Math.abs(clockOf(behind) - Date.now()) < hour / 10, 'The clock was not set.')
    await Promise.all([ahead, behind].map(node => node.stop()))
  },
} as const satisfies Record<string, Fault>

export type FaultName = keyof typeof faults

/** Shows that the checker works: a node that acknowledges what it did not learn. */
export const plantedBug: Fault = async ({ cluster }) => {
  const frozen = await cluster.start({ preload: 'freezeView.js' })
  await delay(1000)
  await frozen.kill()
}

/** A trial with a fault in its midst. */
export async function prove(
  ground: Ground,
  fault: Fault,
  options: { families?: number; everyMs?: number } = {},
): Promise<Trial> {
  const { families = 120, everyMs = 40 } = options
  const trial = await Trial.start(ground.cluster, { families, everyMs })
  await delay(300)
  await fault(ground, trial)
  await until(() => allFresh(ground.cluster))
  await delay(300)
  await trial.end()
  return trial
}

/** Every node decides from memory. */
export async function allFresh({ nodes, leaseMs }: Cluster): Promise<boolean> {
  const ages = await Promise.all(
    nodes.map(async ({ url }) => {
      const metrics = await (await fetch(`${url}/metrics`)).text()
      return Number(/^annul_view_age_seconds (.*)$/m.exec(metrics)?.[1])
    }),
  )
  return ages.every(age => age * 1000 < leaseMs)
}

/** SIGQUIT to the postmaster: an immediate shutdown, and a recovery at the next start. */
async function crash(server: TestPostgres, sql: postgres.Sql): Promise<void> {
  const [found] = await sql`select pg_read_file('postmaster.pid') as file`
  const pid = Number(String(found?.file).split('\n')[0])
  process.kill(pid, 'SIGQUIT')
  // It waits for the process to be gone, and a further signal changes nothing.
  await server.halt()
}

/** By its log's lines. */
function clockOf(node: ClusterNode): number {
  return (JSON.parse(node.log.at(-1) ?? '{}') as { time: number }).time
}

function must(condition: boolean, message: string): void {
  if (!condition) throw new Error(message)
}

async function repeat(ms: number, everyMs: number, work: () => Promise<void>): Promise<void> {
  for (const end = performance.now() + ms; performance.now() < end; await delay(everyMs)) await work()
}

export async function until(condition: () => Promise<boolean>): Promise<void> {
  for (const end = performance.now() + 20_000; !(await condition()); await delay(20))
    if (performance.now() > end) throw new Error('It did not come true within 20 s.')
}
