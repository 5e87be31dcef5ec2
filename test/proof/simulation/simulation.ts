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
import { Process, World } from './world.ts'

/*
 * One schedule of a few nodes and a database, drawn from a seed: revocations, requests and everything that can go
 * wrong, in the true order of a fake clock. The code that is run is the real view, follower and barrier.
 */

const faultsEndMs = 1300
/** Long enough for everything to end that began before. */
const endMs = 1900
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
  readonly #mutations: Mutation[] = []
  readonly #accepted: RequestRecord[] = []
  readonly #complaints = new Set<string>()
  readonly #empty: ReturnType<ModelDatabase['backup']>
  /**
   * As while the setting is changed node by node. Not together with a database that is replaced: a node that has met no
   * other than the older database can't know the lease of a node that joined later, and the promise leaves this out.
   */
  readonly #hasMixedLeases: boolean
  #epoch = 1
  readonly #waiting = new Map<Mutation, { node: Node; since: number }>()
  #count = 0

  constructor(seed: number, flaw: Flaw) {
    this.#world = new World(seed)
    this.#database = new ModelDatabase(this.#world)
    this.#empty = this.#database.backup()
    this.#flaw = flaw
    this.#hasMixedLeases = this.#world.random.chance(0.5)
    this.#world.afterStep = process => {
      const node = nodeOf.get(process)
      if (node !== undefined) this.#request(node)
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

    await this.#world.runUntil(faultsEndMs)
    this.#world.isCalm = true
    this.#database.start()
    for (const node of this.#nodes) {
      node.network.cut(0)
      node.process.resume()
    }
    await this.#world.runUntil(endMs)

    for (const node of this.#nodes)
      if (node.process.isAlive && node.freshAt < endMs - calmMs)
        this.#complaints.add(`${node.process.name} is not fresh in the end.`)
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
    const node = new Node(this.#world, process, this.#database, leaseMs, this.#flaw)
    this.#nodes.push(node)
    void node.follower.start()
    // Before it has seen anybody's row.
    if (this.#world.random.chance(0.3))
      this.#world.at(this.#world.now + this.#world.random.between(0, 5), () => this.#revoke(node))
  }

  /** One of the nodes that run. */
  #someNode(): Node | undefined {
    return this.#world.random.of(this.#nodes.filter(({ process }) => process.isAlive && !process.isPaused))
  }

  #revoke(node = this.#someNode()): void {
    if (node === undefined || !node.process.isAlive || node.process.isPaused) return
    const { random } = this.#world
    const database = this.#database
    const mutation = this.#draw()
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
      xid => this.#wait(node, mutation, xid),
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
        if (names.has(found.name) && !found.isVoid) this.#wait(node, mutation, undefined)
      },
      () => {},
    )
    this.#mutations.push(mutation)
  }

  async #wait(node: Node, mutation: Mutation, xid: string | undefined): Promise<void> {
    this.#waiting.set(mutation, { node, since: this.#world.now })
    await node.barrier.wait(xid)
    this.#waiting.delete(mutation)
    mutation.returned = this.#world.order++
    for (const other of this.#nodes) this.#request(other)
  }

  /** A request with each token that must be refused by now, and with some that must not. */
  #request(node: Node): void {
    const { process } = node
    if (!process.isAlive || process.isPaused || !node.isFresh) return
    node.freshAt = this.#world.now
    const start = ++this.#world.order
    for (const { victim, survivor, returned } of this.#mutations) {
      if (node.view.verdict(claims(survivor)) !== undefined) this.#complaints.add('A good token was refused.')
      if (returned === undefined || node.view.verdict(claims(victim)) !== undefined) continue
      this.#accepted.push({ start, end: start, node: process.name, token: victim, verdict: 'accepted' })
    }
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
      node.process.kill()
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
