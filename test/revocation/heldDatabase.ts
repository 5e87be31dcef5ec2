import type {
  Beat,
  NodeRow,
  Reading,
  RevocationConnection,
  RevocationStore,
  Snapshot,
} from '../../src/revocation/store.ts'
import type { Revocation } from '../../src/revocation/view.ts'
import type { TestClock } from '../support/testClock.ts'

type Statement = keyof Omit<RevocationConnection, 'close'>

/**
 * A database that keeps which statements came, and answers when a test lets it. A statement is carried out when it
 * comes. Each statement that writes takes a transaction id.
 */
export class HeldDatabase implements RevocationStore {
  /** The statements, with `node 1` for the first node that has joined. */
  calls: string[] = []
  readonly nodes = new Map<string, { beat: number; leaseMs: number; synced: Snapshot }>()
  readonly connections: HeldConnection[] = []
  /** Statements whose answers are held. */
  readonly holds = new Set<Statement | 'connect'>()
  /** What statements, or connecting, fail with. */
  readonly fails = new Map<Statement | 'connect', Error>()
  /** What the log held before everything, by pages. */
  pages: Revocation[][] = []
  /** The next transaction id. */
  next = 100
  readonly clock: TestClock
  readonly #log: { readonly xid: number; readonly revocation: Revocation }[] = []
  readonly #names = new Map<string, string>()
  #waiting: (() => void)[] = []

  constructor(clock: TestClock) {
    this.clock = clock
  }

  connect(onHint: (xid?: string) => void): Promise<HeldConnection> {
    this.calls.push('connect')
    const connection = new HeldConnection(this, onHint)
    return this.run('connect', () => {
      this.connections.push(connection)
      return connection
    })
  }

  /** The connection that was opened last. */
  get last(): HeldConnection {
    const last = this.connections.at(-1)
    if (last === undefined) throw new Error('Nobody has connected.')
    return last
  }

  /** Appends the end of a session to the log, and tells nobody. @returns the transaction id */
  revoke(subject: string): string {
    const xid = this.next++
    const revokedAt = this.clock.wall()
    this.#log.push({ xid, revocation: { kind: 'session', subject, reason: 'LOGGED_OUT', revokedAt } })
    return String(xid)
  }

  /** Answers what waits, in its order. */
  answer(): void {
    for (const answer of this.#waiting.splice(0)) answer()
  }

  /** The statements since the last call. */
  taken(): string[] {
    return this.calls.splice(0)
  }

  name(node: string): string {
    const name = this.#names.get(node) ?? `node ${this.#names.size + 1}`
    this.#names.set(node, name)
    return name
  }

  snapshot(): Snapshot {
    return `${this.next}:${this.next}:`
  }

  since(snapshot: Snapshot): Revocation[] {
    const known = Number(snapshot.split(':')[1])
    return this.#log.filter(({ xid }) => xid >= known).map(({ revocation }) => revocation)
  }

  run<T>(statement: Statement | 'connect', carryOut: () => T): Promise<T> {
    const error = this.fails.get(statement)
    const result = error === undefined ? carryOut() : undefined
    return new Promise((resolve, reject) => {
      const answer = () => (error === undefined ? resolve(result as T) : reject(error))
      if (this.holds.has(statement)) this.#waiting.push(answer)
      else answer()
    })
  }
}

export class HeldConnection implements RevocationConnection {
  /** Called as PostgreSQL would. */
  readonly hint: (xid?: string) => void
  isOpen = true
  readonly #database: HeldDatabase

  constructor(database: HeldDatabase, onHint: (xid?: string) => void) {
    this.#database = database
    this.hint = onHint
  }

  snapshot(): Promise<Snapshot> {
    return this.#run('snapshot', [], database => database.snapshot())
  }

  page(afterId: string) {
    return this.#run('page', [afterId], ({ pages }) => {
      const revocations = pages[Number(afterId)]
      return revocations && { revocations, lastId: String(Number(afterId) + 1) }
    })
  }

  join(node: string, leaseMs: number, former: readonly string[]): Promise<void> {
    const names = former.map(id => this.#database.name(id))
    return this.#run('join', [this.#database.name(node), leaseMs, ...names], database => {
      for (const id of former) database.nodes.delete(id)
      database.next++
      database.nodes.set(node, { beat: 0, leaseMs, synced: '1:1:' })
    })
  }

  beat(node: string, since: Snapshot, synced: Snapshot): Promise<Beat> {
    return this.#run('beat', [this.#database.name(node), since, synced], database => {
      const reading = { snapshot: database.snapshot(), revocations: database.since(since) }
      database.next++
      const own = database.nodes.get(node)
      if (own !== undefined) Object.assign(own, { beat: own.beat + 1, synced })
      const longestLeaseMs = Math.max(0, ...[...database.nodes.values()].map(({ leaseMs }) => leaseMs))
      return { ...reading, found: own !== undefined, databaseMs: database.clock.wall() + 77, longestLeaseMs }
    })
  }

  read(since: Snapshot): Promise<Reading> {
    return this.#run('read', [since], database => ({
      snapshot: database.snapshot(),
      revocations: database.since(since),
    }))
  }

  publish(node: string, synced: Snapshot): Promise<void> {
    return this.#run('publish', [this.#database.name(node), synced], database => {
      database.next++
      const own = database.nodes.get(node)
      if (own !== undefined) own.synced = synced
    })
  }

  leave(node: string): Promise<void> {
    return this.#run('leave', [this.#database.name(node)], database => {
      database.nodes.delete(node)
    })
  }

  nodes(): Promise<readonly NodeRow[]> {
    return this.#run('nodes', [], ({ nodes }) =>
      [...nodes].map(([id, { beat, ...row }]) => ({ id, beat: String(beat), ...row })),
    )
  }

  forget(node: string): Promise<void> {
    return this.#run('forget', [this.#database.name(node)], database => {
      database.nodes.delete(node)
    })
  }

  takeTransactionId(): Promise<string> {
    return this.#run('takeTransactionId', [], database => String(database.next++))
  }

  close(): void {
    this.isOpen = false
  }

  #run<T>(
    statement: Statement,
    words: readonly unknown[],
    carryOut: (database: HeldDatabase) => T,
  ): Promise<T> {
    this.#database.calls.push([statement, ...words].join(' '))
    return this.#database.run(statement, () => carryOut(this.#database))
  }
}
