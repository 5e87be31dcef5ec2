import type { Revocation } from '../../../src/revocation/view.ts'
import type { Process, World } from './world.ts'

// Jest finds a global slowly.
const { max } = Math
const toNumber = Number

interface ModelRow {
  readonly id: number
  readonly xid: number
  readonly name: string
  readonly revocation: Revocation
}

interface ModelNode {
  beat: number
  /** By the database's clock; only a flaw uses it. */
  beatAt: number
  readonly leaseMs: number
  synced: string
}

interface State {
  nextXid: number
  nextId: number
  log: ModelRow[]
  nodes: Map<string, ModelNode>
}

/** PostgreSQL as far as the protocol uses it: transaction ids, snapshots, commits that come late, hints. */
export class ModelDatabase {
  readonly world: World
  isUp = true
  /** The open links; they break when the server stops. */
  readonly links = new Set<Link>()
  readonly #running = new Set<number>()
  readonly #aborted = new Set<number>()
  #state: State = { nextXid: 100, nextId: 1, log: [], nodes: new Map() }
  #start = 0

  constructor(world: World) {
    this.world = world
  }

  get nodes(): Map<string, ModelNode> {
    return this.#state.nodes
  }

  get log(): readonly ModelRow[] {
    return this.#state.log
  }

  /** Which start of the server this is: what ran before it was aborted, and its connections are gone. */
  get startNumber(): number {
    return this.#start
  }

  begin(): number {
    const xid = this.#state.nextXid++
    this.#running.add(xid)
    return xid
  }

  commit(xid: number): void {
    this.#running.delete(xid)
  }

  abort(xid: number): void {
    if (this.#running.delete(xid)) this.#aborted.add(xid)
  }

  append(xid: number, name: string, revocation: Revocation): void {
    this.#state.log.push({ id: this.#state.nextId++, xid, name, revocation })
  }

  snapshot(): string {
    // Ids are given in order, so the set is in order.
    const running = [...this.#running]
    const xmax = this.#state.nextXid
    return `${running[0] ?? xmax}:${xmax}:${running.join()}`
  }

  /** Rows whose transactions had committed when the snapshot was taken. */
  visible(snapshot: string): ModelRow[] {
    const ended = endedIn(snapshot)
    return this.#state.log.filter(row => ended(row.xid) && !this.#aborted.has(row.xid))
  }

  /** Tells every listener, or not. */
  notify(xid: string): void {
    for (const link of this.links) if (!this.world.random.chance(0.2)) link.hint(xid)
  }

  stop(): void {
    this.isUp = false
    this.#start++
    for (const xid of this.#running) this.#aborted.add(xid)
    this.#running.clear()
    for (const link of this.links) link.break()
  }

  start(): void {
    this.isUp = true
  }

  backup(): State {
    return { ...this.#state, log: this.visible(this.snapshot()), nodes: copy(this.#state.nodes) }
  }

  /** Puts an older state in place of this one; transaction ids are given again. */
  restore(state: State): void {
    this.stop()
    this.#aborted.clear()
    this.#state = { ...state, log: [...state.log], nodes: copy(state.nodes) }
    this.start()
  }
}

/** Which transactions had ended when the snapshot was taken. */
export function endedIn(snapshot: string): (xid: number) => boolean {
  const [xmin, xmax, running] = snapshot.split(':')
  const first = toNumber(xmin)
  const next = toNumber(xmax)
  const between = running ? running.split(',').map(toNumber) : undefined
  return xid => xid < first || (xid < next && !between?.includes(xid))
}

function copy(nodes: Map<string, ModelNode>): Map<string, ModelNode> {
  return new Map([...nodes].map(([id, node]) => [id, { ...node }]))
}

/** What a statement does when its snapshot is taken; it gives what is done when it commits, or is aborted. */
export type Statement<T> = () => { commit: () => T; abort?: () => void }

/**
 * A connection of one process. A statement arrives, commits and answers at three moments; messages of one link keep
 * their order, those of two need not. When the network is cut they come late, perhaps after the sender gave up.
 */
export class Link {
  readonly #process: Process
  readonly #database: ModelDatabase
  readonly #network: Network
  readonly #onHint: (xid?: string) => void
  readonly #failures = new Set<(error: Error) => void>()
  readonly #startNumber: number
  /** The process's end. */
  #isBroken = false
  /** The server's end. */
  #isServed = true
  #freeAt = 0
  #answeredAt = 0

  constructor(process: Process, database: ModelDatabase, network: Network, onHint: (xid?: string) => void) {
    this.#process = process
    this.#database = database
    this.#network = network
    this.#onHint = onHint
    this.#startNumber = database.startNumber
    if (database.isUp) database.links.add(this)
    else this.break()
  }

  hint(xid: string): void {
    const { world } = this.#process
    world.at(world.now + this.#network.delay(), () => !this.#isBroken && this.#onHint(xid), this.#process)
  }

  /** The server end is gone; the process learns it with a message. */
  break(): void {
    this.#isServed = false
    this.#database.links.delete(this)
    const { world } = this.#process
    world.at(world.now + this.#network.delay(), () => this.close(), this.#process)
  }

  /** The own end is gone, at once. What was sent may still arrive. */
  close(): void {
    if (this.#isBroken) return
    this.#isBroken = true
    this.#database.links.delete(this)
    for (const fail of this.#failures) fail(new Error('The connection was lost.'))
    this.#onHint()
  }

  send<T>(statement: Statement<T>, milliseconds: number, deadlineMs = statementMs): Promise<T> {
    const { world } = this.#process
    return new Promise((resolve, reject) => {
      if (this.#isBroken) return reject(new Error('The connection was lost.'))
      const arriveAt = max(world.now + this.#network.delay(), this.#freeAt)
      const commitAt = arriveAt + milliseconds
      this.#freeAt = commitAt
      const fail = (error: Error) => {
        cancel()
        this.#failures.delete(fail)
        reject(error)
      }
      const cancel = this.#process.after(deadlineMs, () => this.close())
      this.#failures.add(fail)
      const isServed = () => this.#isServed && this.#database.startNumber === this.#startNumber
      world.at(arriveAt, () => {
        if (!isServed()) return
        const { commit, abort } = statement()
        world.at(commitAt, () => {
          // A backend that is terminated may have committed just before.
          if (this.#database.startNumber !== this.#startNumber) return
          if (!isServed() && world.random.chance(0.5)) return abort?.()
          const result = commit()
          if (!isServed()) return
          this.#answeredAt = max(this.#answeredAt, world.now + this.#network.delay())
          const answer = () => {
            if (this.#isBroken) return
            cancel()
            this.#failures.delete(fail)
            resolve(result)
          }
          world.at(this.#answeredAt, answer, this.#process)
        })
      })
    })
  }
}

/** A statement without an answer for so long breaks its connection. */
const statementMs = 400

/** What lies between one process and the database. */
export class Network {
  readonly #world: World
  #cutUntil = 0

  constructor(world: World) {
    this.#world = world
  }

  cut(until: number): void {
    this.#cutUntil = until
  }

  /** Messages that are sent during a cut are sent again after it. */
  delay(): number {
    return max(0, this.#cutUntil - this.#world.now) + this.#world.duration(0.2, 3, 250)
  }
}
