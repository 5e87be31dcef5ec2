import type { SQL } from 'drizzle-orm'
import { PgDialect } from 'drizzle-orm/pg-core'
import type { Database } from '../../../src/database/open.ts'
import type { Clock } from '../../../src/revocation/clock.ts'
import type { RevocationService } from '../../../src/revocation/createRevocation.ts'
import { embeddedRevocation } from '../../../src/revocation/embeddedRevocation.ts'
import { findViolations, type RequestRecord, type Violation } from '../../support/linearizability.ts'
import type { Flaw } from './node.ts'
import { Verifier, verifierOf } from './verifier.ts'
import { Process, World } from './world.ts'

/*
 * One process on the embedded database, and the verifiers that follow it. The process crashes, stops and starts again;
 * each start knows only what the database holds.
 */

const leaseMs = 300
const faultsEndMs = 1300
const endMs = 2000
const calmMs = 350

interface Mutation {
  readonly session: string
  readonly start: number
  returned: number | undefined
}

interface LogRow {
  readonly id: string
  readonly kind: 'session'
  readonly subject: string
  readonly minVersion: null
  readonly reason: 'LOGGED_OUT'
  readonly revokedAt: number
}

export async function simulateEmbedded(
  seed: number,
  flaw: Flaw & { readonly forgetsItsLease?: boolean } = {},
): Promise<{ violations: readonly Violation[]; complaints: readonly string[]; returned: number }> {
  const world = new World(seed)
  const { random } = world
  const log: LogRow[] = []
  let rowsOfNodes: { leaseMs: number }[] = []
  const mutations: Mutation[] = []
  const accepted: RequestRecord[] = []
  const complaints = new Set<string>()
  const waiting = new Map<Mutation, { process: Process; since: number }>()
  const verifiers: Verifier[] = []
  const ackMs = random.chance(0.3) ? 20 : 100 * leaseMs
  let starts = 0
  let host!: {
    process: Process
    leaseMs: number
    feed: RevocationService['feed']
    service: RevocationService
  }

  const execute = (process: Process) => (statement: SQL) =>
    inOrder(process, () => {
      const { sql, params } = new PgDialect().sqlToQuery(statement)
      if (sql.startsWith('insert into annul.nodes')) {
        if (!flaw.forgetsItsLease) rowsOfNodes.push({ leaseMs: Number(params[1]) })
      } else if (sql.startsWith('delete from annul.nodes')) rowsOfNodes = []
      else if (sql.includes('from annul.nodes')) return [...rowsOfNodes]
      else if (sql.includes('from annul.revocations')) return log.filter(({ id }) => +id > Number(params[0]))
      else throw new Error(`The model does not know this statement: ${sql}`)
      return []
    })

  /** The embedded database runs one statement after the other. */
  let freeAt = 0
  const inOrder = <T>(process: Process, run: () => T): Promise<T> =>
    new Promise(resolve => {
      freeAt = Math.max(freeAt, world.now + world.duration(0.1, 1, 50))
      world.at(freeAt, () => resolve(run()), process)
    })

  const start = () => {
    const process = new Process(world, `process ${starts++}`)
    const db = { execute: execute(process) } as unknown as Database
    // The database and the process share the wall clock of their machine.
    const clock: Clock = {
      monotonic: () => process.monotonic(),
      wall: () => world.now,
      after: (milliseconds, call) => process.after(milliseconds, call),
    }
    const service = embeddedRevocation(db, { leaseMs, feedAckMs: ackMs }, clock)
    host = { process, leaseMs, feed: service.feed, service }
    void service.start()
  }

  const kill = ({ process }: typeof host) => {
    if (!process.isAlive) return
    process.kill()
    for (const { attachments } of verifiers)
      for (const { host: of, nodeEnd } of attachments)
        if (of.process === process) nodeEnd.lose(random.chance(0.7) ? random.between(0, 5) : 400)
    world.at(world.now + random.between(1, 60), start)
  }

  const request = (verifier: Verifier) => {
    if (!verifier.process.isAlive || verifier.process.isPaused || !verifier.isFresh) return
    verifier.freshAt = world.now
    const order = ++world.order
    for (const { session } of mutations) {
      const token = { user: 'user', session, version: 1, epoch: 1 }
      const claims = { sub: 'user', sid: session, ver: 1, epoch: 1 }
      if (verifier.view.verdict({ ...claims, sid: `later ${session}` }) !== undefined)
        complaints.add('A good token was refused.')
      const verdict = verifier.view.verdict(claims)
      if (verdict === undefined)
        accepted.push({ start: order, end: order, node: verifier.process.name, token, verdict: 'accepted' })
    }
  }

  const revoke = () => {
    const { process, service } = host
    if (!process.isAlive || process.isPaused) return
    const mutation: Mutation = {
      session: `session ${mutations.length}`,
      start: world.order,
      returned: undefined,
    }
    mutations.push(mutation)
    const row = {
      kind: 'session',
      subject: mutation.session,
      minVersion: null,
      reason: 'LOGGED_OUT',
    } as const
    const append = () => void log.push({ ...row, id: String(log.length + 1), revokedAt: world.now })
    void inOrder(process, append).then(async () => {
      waiting.set(mutation, { process, since: world.now })
      await service.barrier()
      waiting.delete(mutation)
      mutation.returned = world.order++
      for (const verifier of verifiers) request(verifier)
    })
  }

  const startVerifier = () => {
    const process = new Process(world, `verifier ${verifiers.length}`)
    verifiers.push(new Verifier(world, process, () => host, flaw))
  }

  const fault = () => {
    const until = Math.min(faultsEndMs, world.now + random.between(20, 500))
    const verifier = random.of(verifiers)
    const socket = verifier && random.of(verifier.attachments)
    const { process, service } = host
    const present = host
    const kind = random.below(10)
    if (kind < 3) kill(present)
    else if (kind < 4) void service.stop().then(() => kill(present))
    else if (kind < 5) {
      process.pause(random.chance(0.5))
      world.at(until, () => process.resume())
    } else if (kind < 6) verifier?.network.cut(until)
    else if (kind < 8) socket?.nodeEnd.stall(until)
    else if (kind < 9) socket?.end.lose(until - world.now)
    else {
      verifier?.process.pause(random.chance(0.5))
      world.at(until, () => verifier?.process.resume())
    }
  }

  world.afterStep = process => {
    const verifier = verifierOf.get(process)
    if (verifier !== undefined) request(verifier)
  }
  start()
  for (let left = 1 + random.below(3); left > 0; left--) startVerifier()
  for (let left = 6 + random.below(6); left > 0; left--) world.at(random.between(50, faultsEndMs), revoke)
  for (let left = 1 + random.below(5); left > 0; left--) world.at(random.between(50, faultsEndMs), fault)
  await world.runUntil(faultsEndMs)
  world.isCalm = true
  for (const { process, network } of verifiers) {
    network.cut(0)
    process.resume()
  }
  host.process.resume()
  await world.runUntil(endMs)

  for (const { process, freshAt } of verifiers)
    if (freshAt < endMs - calmMs && ackMs > leaseMs)
      complaints.add(`${process.name} is not fresh in the end.`)
  for (const { process, since } of waiting.values())
    if (process.isAlive && since < endMs - calmMs) complaints.add('A barrier did not end.')
  return {
    violations: findViolations(
      accepted,
      mutations.map(mutation => ({ ...mutation, what: { kind: 'session', session: mutation.session } })),
    ),
    complaints: [...complaints],
    returned: mutations.filter(({ returned }) => returned !== undefined).length,
  }
}
