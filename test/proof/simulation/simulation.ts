import type { Revocation } from '../../../src/revocation/view.ts'
import {
  covers,
  findViolations,
  type RecordedToken,
  type RequestRecord,
  type Revoked,
  type Violation,
} from '../../support/linearizability.ts'
import { ModelDatabase } from './database.ts'
import { type Flaw, longestLeaseMs, Node, nodeOf } from './node.ts'
import type { SocketEnd } from './socket.ts'
import { type Host, Verifier, verifierOf } from './verifier.ts'
import { Process, World } from './world.ts'

/*
 * One schedule of a few nodes and a database, drawn from a seed: revocations, requests and everything that can go
 * wrong, in the true order of a fake clock. The code that is run is the real view, follower, barrier and feed. Half of
 * the schedules have verifiers, which follow the nodes.
 */

const faultsEndMs = 1300
/** Long enough for everything to end that began before. */
const endMs = 2200
const calmMs = 350

export interface Outcome {
  /** Requests that were accepted after the revocation of their token had returned. */
  readonly violations: readonly Violation[]
  /** What else should not have happened. */
  readonly complaints: readonly string[]
  /** How much of the promise was put to the test: mutations that returned. */
  readonly returned: number
  readonly events: number
}

interface Mutation {
  readonly name: string
  readonly start: number
  readonly what: Revoked
  /** The token that it kills. */
  readonly victim: RecordedToken
  /** One that it doesn't. */
  readonly survivor: RecordedToken
  returned: number | undefined
  /** Its commit was acknowledged and lost, since an older database was put in its place. */
  isVoid: boolean
}

/** Runs the schedule of a seed. */
export async function simulate(seed: number, flaw: Flaw = {}): Promise<Outcome> {
  const schedule = new Schedule(seed, flaw)
  return schedule.run()
}

class Schedule {
  readonly #world: World
  readonly #database: ModelDatabase
  readonly #flaw: Flaw
  readonly #nodes: Node[] = []
  readonly #verifiers: Verifier[] = []
  readonly #mutations: Mutation[] = []
  readonly #accepted: RequestRecord[] = []
  readonly #complaints = new Set<string>()
  readonly #empty: ReturnType<ModelDatabase['backup']>
  /**
   * As while the setting is changed node by node. Not together with a database that is replaced: a node that has met no
   * other than the older database can't know the lease of a node that joined later, and the promise leaves this out.
   */
  readonly #hasMixedLeases: boolean
  readonly #hasVerifiers: boolean
  /** How long a verifier may take to acknowledge: for longer than a lease, nobody is called slow. */
  readonly #ackMs: number
  #epoch = 1
  readonly #waiting = new Map<Mutation, { node: Node; since: number }>()
  #count = 0

  constructor(seed: number, flaw: Flaw) {
    this.#world = new World(seed)
    this.#database = new ModelDatabase(this.#world)
    this.#empty = this.#database.backup()
    this.#flaw = flaw
    this.#hasMixedLeases = this.#world.random.chance(0.5)
    this.#hasVerifiers = this.#world.random.chance(0.5) || flaw.needsVerifiers === true
    this.#ackMs = this.#world.random.chance(0.3) ? 20 : 100 * longestLeaseMs
    this.#world.afterStep = process => {
      const one = nodeOf.get(process) ?? verifierOf.get(process)
      if (one !== undefined) this.#request(one)
    }
  }

  async run(): Promise<Outcome> {
    const { random } = this.#world
    const first = 2 + random.below(3)
    for (let index = 0; index < first; index++) this.#start()
    for (let left = 4 + random.below(6); left > 0; left--) this.#atSomeTime(() => this.#revoke())
    for (let left = random.below(4); left > 0; left--) this.#atSomeTime(() => this.#revokeInVain())
    for (let left = 8; left > 0; left--) this.#atSomeTime(() => this.#requestStrictly())
    for (let left = random.below(6); left > 0; left--) this.#atSomeTime(() => this.#fault())
    if (this.#hasVerifiers) {
      for (let left = 1 + random.below(3); left > 0; left--) this.#startVerifier()
      for (let left = random.below(8); left > 0; left--) this.#atSomeTime(() => this.#verifierFault())
    }

    await this.#world.runUntil(faultsEndMs)
    this.#world.isCalm = true
    this.#database.start()
    for (const node of this.#nodes) {
      node.network.cut(0)
      node.process.resume()
    }
    for (const verifier of this.#verifiers) {
      verifier.network.cut(0)
      verifier.process.resume()
      verifier.isDetached = false
    }
    await this.#world.runUntil(endMs)

    for (const node of this.#nodes)
      if (node.process.isAlive && (node.isStopping || node.freshAt < endMs - calmMs))
        this.#complaints.add(
          node.isStopping ? 'A node did not stop.' : `${node.process.name} is not fresh in the end.`,
        )
    const isFollowable = this.#nodes.some(({ process }) => process.isAlive) && this.#ackMs > longestLeaseMs
    for (const { process, freshAt } of this.#verifiers)
      if (isFollowable && process.isAlive && freshAt < endMs - calmMs)
        this.#complaints.add(`${process.name} is not fresh in the end.`)
    for (const { node, since } of this.#waiting.values())
      if (node.process.isAlive && since < endMs - calmMs) this.#complaints.add('A barrier did not end.')
    const records = this.#mutations.filter(mutation => !mutation.isVoid)
    return {
      violations: findViolations(this.#accepted, records),
      complaints: [...this.#complaints],
      returned: records.filter(mutation => mutation.returned !== undefined).length,
      events: this.#world.order,
    }
  }

  #atSomeTime(run: () => void): void {
    this.#world.at(this.#world.random.between(0, faultsEndMs), run)
  }

  #start(): void {
    const process = new Process(this.#world, `node ${this.#nodes.length}`)
    const leaseMs =
      this.#hasMixedLeases && this.#world.random.chance(0.5) ? longestLeaseMs / 3 : longestLeaseMs
    const times = { leaseMs, ackMs: this.#ackMs }
    const node = new Node(this.#world, process, this.#database, times, this.#flaw)
    this.#nodes.push(node)
    void node.follower.start()
    // Before it has seen anybody's row.
    if (this.#world.random.chance(0.3))
      this.#world.at(this.#world.now + this.#world.random.between(0, 5), () => this.#revoke(node))
  }

  #startVerifier(): void {
    const { random } = this.#world
    const process = new Process(this.#world, `verifier ${this.#verifiers.length}`)
    // Where nobody runs, a verifier tries in vain.
    const someHost = () => this.#someNode() ?? random.of(this.#nodes)
    this.#verifiers.push(new Verifier(this.#world, process, someHost, this.#flaw))
  }

  /** One of the nodes that run. */
  #someNode(): Node | undefined {
    const running = ({ process, isStopping }: Node) => process.isAlive && !process.isPaused && !isStopping
    return this.#world.random.of(this.#nodes.filter(running))
  }

  #revoke(node = this.#someNode()): void {
    if (node === undefined || !node.process.isAlive || node.process.isPaused) return
    const { random } = this.#world
    const database = this.#database
    const mutation = this.#draw()
    const own = () => [revocationOf(mutation.what, this.#world.now)]
    const link = node.connection()
    const milliseconds = random.chance(0.2) ? random.between(10, 900) : random.between(0.5, 5)
    const committed = link.send(
      () => {
        const xid = database.begin()
        database.append(xid, mutation.name, revocationOf(mutation.what, this.#world.now))
        return {
          commit: () => {
            database.commit(xid)
            database.notify(String(xid))
            return String(xid)
          },
          abort: () => database.abort(xid),
        }
      },
      milliseconds,
      2000,
    )
    committed.then(
      xid => this.#wait(node, mutation, xid, own()),
      () => {},
    )
  }

  /** A verb that finds its work done by another, whose transaction it does not know. */
  #revokeInVain(): void {
    const node = this.#someNode()
    const found = this.#world.random.of(this.#mutations)
    if (node === undefined || found === undefined) return
    const mutation = { ...found, start: this.#world.order, returned: undefined }
    node.readStrictly(1).then(
      names => {
        if (names.has(found.name) && !found.isVoid) this.#wait(node, mutation, undefined, [])
      },
      () => {},
    )
    this.#mutations.push(mutation)
  }

  async #wait(
    node: Node,
    mutation: Mutation,
    xid: string | undefined,
    own: readonly Revocation[],
  ): Promise<void> {
    this.#waiting.set(mutation, { node, since: this.#world.now })
    await node.revoked(xid, own)
    this.#waiting.delete(mutation)
    mutation.returned = this.#world.order++
    for (const other of [...this.#nodes, ...this.#verifiers]) this.#request(other)
  }

  /** A request with each token that must be refused by now, and with some that must not. */
  #request(decider: Node | Verifier): void {
    const { process } = decider
    const view = decider instanceof Verifier ? decider.decidingView : decider.view
    if (!process.isAlive || process.isPaused || !decider.isFresh) return
    decider.freshAt = this.#world.now
    if (decider instanceof Verifier) this.#checkTime(decider)
    const start = ++this.#world.order
    for (const { victim, survivor, returned } of this.#mutations) {
      if (view.verdict(claims(survivor)) !== undefined) this.#complaints.add('A good token was refused.')
      if (returned === undefined || view.verdict(claims(victim)) !== undefined) continue
      this.#accepted.push({ start, end: start, node: process.name, token: victim, verdict: 'accepted' })
    }
  }

  /** A verifier that is behind the database's time accepts tokens that have expired. */
  #checkTime({ process, reader }: Verifier): void {
    const { now } = this.#world
    const drift = 0.05 * 2 * longestLeaseMs
    // A node's idea of the database's time stands still with its monotonic clock.
    const hasNodeSlept = this.#nodes.some(node => node.process.hasSlept)
    if ((reader.databaseTime() ?? 0) < now - drift && !hasNodeSlept)
      this.#complaints.add(`${process.name} is behind the time of the database.`)
  }

  #requestStrictly(): void {
    const node = this.#someNode()
    if (node === undefined) return
    const { random } = this.#world
    const start = ++this.#world.order
    const asked = [...this.#mutations]
    node.readStrictly(random.chance(0.3) ? random.between(5, 100) : random.between(0.1, 1)).then(
      names => {
        const revoked = asked.filter(({ name }) => names.has(name))
        for (const { victim } of asked)
          if (!revoked.some(({ what }) => covers(what, victim)))
            this.#accepted.push({
              start,
              end: this.#world.order,
              node: node.process.name,
              token: victim,
              verdict: 'accepted',
            })
      },
      () => {},
    )
  }

  #fault(): void {
    const { random, now } = this.#world
    const node = this.#someNode()
    const until = now + random.between(20, 900)
    const kind = random.below(20)
    if (node === undefined || kind < 3) {
      this.#start()
    } else if (kind < 7) {
      node.process.pause(kind === 3)
      this.#world.at(until, () => node.process.resume())
    } else if (kind < 11) {
      node.network.cut(until)
    } else if (kind < 14) {
      for (const link of this.#database.links) if (random.chance(0.5)) link.break()
    } else if (kind < 16) {
      if (random.chance(0.5)) this.#kill(node)
      else void node.stop().then(() => this.#kill(node))
      if (random.chance(0.7)) this.#world.at(Math.min(until, faultsEndMs), () => this.#start())
    } else if (kind < 18) {
      this.#database.stop()
      this.#world.at(now + random.between(5, 400), () => this.#database.start())
    } else if (kind < 19) {
      node.process.stepWallClock(random.between(-1, 1) * (random.chance(0.5) ? 1e6 : longestLeaseMs))
    } else if (!this.#hasMixedLeases) {
      this.#restore()
    }
  }

  #verifierFault(): void {
    const { random, now } = this.#world
    const verifier = random.of(this.#verifiers.filter(({ process }) => process.isAlive && !process.isPaused))
    if (verifier === undefined) {
      this.#startVerifier()
      return
    }
    const socket = random.of(verifier.attachments)
    const until = Math.min(faultsEndMs, now + random.between(20, 900))
    const kind = random.below(20)
    if (kind > 15) {
      if (socket !== undefined) this.#strand(verifier, socket.host, socket.nodeEnd)
    } else if (kind < 3) {
      verifier.process.pause(kind === 0)
      this.#world.at(until, () => verifier.process.resume())
    } else if (kind < 5) {
      verifier.network.cut(until)
    } else if (kind < 8) {
      const [first, second] = random.chance(0.5)
        ? [socket?.end, socket?.nodeEnd]
        : [socket?.nodeEnd, socket?.end]
      if (kind === 5) first?.stall(until)
      else if (second !== undefined) first?.lose(until - now)
    } else if (kind < 10) {
      // A move: two sockets for a while.
      verifier.attach()
      this.#world.at(now + random.between(0, 100), () => verifier.leave(1), verifier.process)
    } else if (kind < 12) {
      verifier.attach()
    } else if (kind < 13) {
      verifier.isDetached = true
      verifier.leave(0)
      this.#world.at(until, () => {
        verifier.isDetached = false
      })
    } else if (kind < 14) {
      verifier.process.stepWallClock(random.between(-1, 1) * (random.chance(0.5) ? 1e6 : longestLeaseMs))
    } else if (kind < 15) {
      this.#startVerifier()
    } else {
      verifier.process.kill()
      for (const { end } of verifier.attachments) end.lose(random.between(0, 300))
    }
  }

  /** A verifier hears nothing more of what is revoked while it may still be fresh, and its node meets a fault of its own. */
  #strand(verifier: Verifier, host: Host, nodeEnd: SocketEnd): void {
    const { random, now } = this.#world
    const node = nodeOf.get(host.process)
    const until = Math.min(faultsEndMs, now + random.between(100, 600))
    const how = random.below(3)
    if (how === 0) nodeEnd.stall(until)
    else if (how === 1) verifier.network.cut(until)
    else nodeEnd.lose(until - now)
    for (let left = 2; left > 0; left--)
      this.#world.at(now + random.between(0, longestLeaseMs), () => this.#revoke())
    const fault = random.below(4)
    this.#world.at(Math.min(faultsEndMs, now + random.between(0, longestLeaseMs / 2)), () => {
      if (!node?.process.isAlive) return
      if (fault === 0) for (const link of this.#database.links) if (random.chance(0.5)) link.break()
      if (fault === 1) node.process.stepWallClock(random.between(0, 2 * longestLeaseMs))
      if (fault === 2 && !node.isStopping) void node.stop().then(() => this.#kill(node))
    })
  }

  /** A process dies. Some of its sockets are found dead at once, some much later. */
  #kill(node: Node): void {
    node.process.kill()
    const { random } = this.#world
    for (const { attachments } of this.#verifiers)
      for (const { host, nodeEnd } of attachments)
        if (host === node) nodeEnd.lose(random.chance(0.7) ? random.between(0, 5) : random.between(5, 500))
  }

  /** An older database is put in place of this one. What it lacks is lost, and nothing is promised of it. */
  #restore(): void {
    const backup = this.#world.random.chance(0.5) ? this.#empty : this.#database.backup()
    this.#atSomeTime(() => {
      this.#database.restore(backup)
      for (const mutation of this.#mutations) mutation.isVoid = true
      const { random, now } = this.#world
      for (let left = 3; left > 0; left--)
        this.#world.at(now + random.between(1, longestLeaseMs), () => this.#revoke())
    })
  }

  #draw(): Mutation {
    const number = this.#count++
    const name = `mutation ${number}`
    const kind = this.#world.random.below(5)
    const token = { user: `user ${number}`, session: `session ${number}`, version: 1, epoch: 1e9 }
    const survivor = { ...token, session: `later session ${number}`, version: 2 }
    const drawn = {
      name,
      start: this.#world.order,
      victim: token,
      survivor,
      returned: undefined,
      isVoid: false,
    }
    let mutation: Mutation
    if (kind === 0) {
      const minEpoch = ++this.#epoch
      const victim = { ...token, epoch: minEpoch - 1 }
      mutation = { ...drawn, victim, what: { kind: 'everyone', minEpoch } }
    } else if (kind < 3) {
      mutation = { ...drawn, what: { kind: 'user', user: token.user, minVersion: 2 } }
    } else {
      mutation = { ...drawn, what: { kind: 'session', session: token.session } }
    }
    this.#mutations.push(mutation)
    return mutation
  }
}

function claims({ user, session, version, epoch }: RecordedToken) {
  return { sub: user, sid: session, ver: version, epoch }
}

function revocationOf(what: Revoked, revokedAt: number): Revocation {
  if (what.kind === 'session')
    return { kind: 'session', subject: what.session, reason: 'LOGGED_OUT', revokedAt }
  if (what.kind === 'user')
    return {
      kind: 'user',
      subject: what.user,
      minVersion: what.minVersion,
      reason: 'PASSWORD_CHANGED',
      revokedAt,
    }
  return { kind: 'everyone', minVersion: what.minEpoch, reason: 'EVERYTHING_REVOKED', revokedAt }
}
