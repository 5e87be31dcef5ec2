import { Barrier } from '../../../src/revocation/barrier.ts'
import { Feed } from '../../../src/revocation/feed.ts'
import { Follower } from '../../../src/revocation/follow.ts'
import { openGate } from '../../../src/revocation/gate.ts'
import { Mirror } from '../../../src/revocation/mirror.ts'
import { RevocationView } from '../../../src/revocation/view.ts'
import { Link, ModelDatabase, Network } from './database.ts'
import { type ModelMirrorConnection, ModelMirrorStore, ModelRedis } from './redis.ts'
import { ModelStore } from './store.ts'
import { Process, World } from './world.ts'

/*
 * One schedule of a few nodes, their database and a Redis that they mirror in, drawn from a seed. The code that is run is
 * the real view, feed, follower, barrier and mirror. Whoever reads Redis sees all of it in one step: so whenever `fresh` is
 * there, everything has to be there that a mutation has revoked that has returned.
 */

const leaseMs = 300
const faultsEndMs = 1300
/** A mirror that was slow gets no ages for a second or two. */
const endMs = 8000
const calmMs = 350

/** A mistake that is made on purpose, around the real code. */
export interface MirrorFlaw {
  readonly Connection?: typeof ModelMirrorConnection
  readonly isNotGated?: boolean
}

export interface MirrorOutcome {
  /** Revocations that had returned, and were missing beside `fresh`. */
  readonly violations: readonly string[]
  readonly complaints: readonly string[]
  readonly returned: number
}

interface MirroringNode {
  readonly process: Process
  readonly network: Network
  readonly barrier: Barrier
}

/** Runs the schedule of a seed. */
export async function simulateMirror(seed: number, flaw: MirrorFlaw = {}): Promise<MirrorOutcome> {
  const world = new World(seed)
  const { random } = world
  const database = new ModelDatabase(world)
  const redis = new ModelRedis(world)
  const nodes: MirroringNode[] = []
  const returned = new Set<string>()
  const waiting = new Map<string, { node: MirroringNode; since: number }>()
  const violations = new Set<string>()
  let count = 0

  const look = () => {
    if (!redis.isFresh) return
    for (const subject of returned) if (!redis.has({ kind: 'session', subject })) violations.add(subject)
  }
  world.afterStep = look

  const start = () => {
    const process = new Process(world, `node ${nodes.length}`)
    const network = new Network(world)
    const view = new RevocationView()
    const picture = { ageMs: () => follower.ageMs(), databaseTime: () => follower.databaseTime() }
    const feed = new Feed({ view, clock: process, leaseMs, ackMs: 50, picture })
    const store = new ModelStore(process, database, network)
    const gate = flaw.isNotGated ? openGate : feed
    const follower = new Follower({ store, view, clock: process, leaseMs, gate })
    const node = { process, network, barrier: new Barrier(follower, process, leaseMs) }
    nodes.push(node)
    void follower.start()
    new Mirror({ feed, clock: process, store: new ModelMirrorStore(redis, process, flaw.Connection) })
  }
  const someNode = () => random.of(nodes.filter(({ process }) => process.isAlive && !process.isPaused))

  const revoke = () => {
    const node = someNode()
    if (node === undefined) return
    const subject = `session ${count++}`
    const link = new Link(node.process, database, node.network, () => {})
    const committed = link.send(
      () => {
        const xid = database.begin()
        database.append(xid, subject, {
          kind: 'session',
          subject,
          reason: 'LOGGED_OUT',
          revokedAt: world.now,
        })
        return {
          commit: () => {
            database.commit(xid)
            database.notify(String(xid))
            return String(xid)
          },
          abort: () => database.abort(xid),
        }
      },
      random.between(0.5, 5),
      2000,
    )
    const wait = async (xid: string) => {
      waiting.set(subject, { node, since: world.now })
      await node.barrier.wait(xid)
      waiting.delete(subject)
      returned.add(subject)
      look()
    }
    committed.then(wait, () => {})
  }

  const fault = () => {
    const kind = random.below(12)
    const until = world.now + random.between(20, 900)
    const node = someNode()
    if (kind < 3) {
      redis.process.pause(false)
      world.at(until, () => redis.process.resume())
    } else if (kind < 5) {
      redis.kill()
      world.at(world.now + random.between(5, 200), () => redis.restart())
    } else if (kind < 7) {
      for (const connection of [...redis.connections]) if (random.chance(0.6)) connection.lose()
    } else if (node === undefined || kind < 8) {
      start()
    } else if (kind < 10) {
      node.process.pause(kind === 8)
      world.at(until, () => node.process.resume())
    } else if (kind < 11) {
      node.network.cut(until)
    } else {
      node.process.kill()
      world.at(Math.min(until, faultsEndMs), start)
    }
  }

  const atSomeTime = (run: () => void) => world.at(random.between(0, faultsEndMs), run)
  for (let left = 1 + random.below(3); left > 0; left--) start()
  for (let left = 6 + random.below(8); left > 0; left--) atSomeTime(revoke)
  for (let left = random.below(6); left > 0; left--) atSomeTime(fault)
  await world.runUntil(faultsEndMs)
  world.isCalm = true
  if (!redis.process.isAlive) redis.restart()
  redis.process.resume()
  for (const { network, process } of nodes) {
    network.cut(0)
    process.resume()
  }
  await world.runUntil(endMs)

  const complaints = new Set<string>()
  const isServed = nodes.some(({ process }) => process.isAlive)
  for (const { node, since } of waiting.values())
    if (node.process.isAlive && since < endMs - calmMs) complaints.add('A barrier did not end.')
  return {
    violations: [...violations],
    complaints: [...complaints, ...(isServed && !redis.isFresh ? ['Redis is not fresh in the end.'] : [])],
    returned: returned.size,
  }
}
