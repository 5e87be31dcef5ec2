import type {
  Beat,
  NodeRow,
  Reading,
  RevocationConnection,
  RevocationStore,
} from '../../../src/revocation/store.ts'
import { endedIn, Link, type ModelDatabase, type Network } from './database.ts'
import type { Process } from './world.ts'

/** The statements of postgresStore.ts, on the model. */
export class ModelStore implements RevocationStore {
  readonly process: Process
  readonly database: ModelDatabase
  readonly network: Network
  readonly #Connection: typeof ModelConnection

  constructor(process: Process, database: ModelDatabase, network: Network, Connection = ModelConnection) {
    this.process = process
    this.database = database
    this.network = network
    this.#Connection = Connection
  }

  async connect(onHint: () => void): Promise<RevocationConnection> {
    const link = this.open(onHint)
    await link.send(() => ({ commit: () => undefined }), 0.1)
    return new this.#Connection(this, link)
  }

  open(onHint: () => void): Link {
    return new Link(this.process, this.database, this.network, onHint)
  }
}

export class ModelConnection implements RevocationConnection {
  readonly store: ModelStore
  protected readonly link: Link

  constructor(store: ModelStore, link: Link) {
    this.store = store
    this.link = link
  }

  snapshot(): Promise<string> {
    return this.reading(database => database.snapshot())
  }

  page(afterId: string) {
    return this.reading(database => {
      const rows = database
        .visible(database.snapshot())
        .filter(row => row.id > Number(afterId))
        .slice(0, 3)
      const last = rows.at(-1)
      return last && { revocations: rows.map(row => row.revocation), lastId: String(last.id) }
    })
  }

  join(node: string, leaseMs: number, former: readonly string[]): Promise<void> {
    return this.writing(({ nodes }) => () => {
      for (const id of former) nodes.delete(id)
      nodes.set(node, { beat: 0, beatAt: this.store.process.world.now, leaseMs, synced: '1:1:' })
    })
  }

  beat(node: string, since: string, synced: string): Promise<Beat> {
    return this.writing((database, snapshot) => {
      const revocations = this.news(since, snapshot)
      const databaseMs = this.store.process.world.now
      // A row that was deleted meanwhile is not found, and one that is beaten meanwhile is not deleted: so it is
      // in PostgreSQL, where the later of two waits and looks again.
      return () => {
        const own = database.nodes.get(node)
        if (own !== undefined)
          Object.assign(own, {
            beat: own.beat + 1,
            beatAt: databaseMs,
            synced: this.acknowledged(synced, snapshot),
          })
        const leases = [...database.nodes.values()].map(each => each.leaseMs)
        return {
          found: own !== undefined,
          revocations,
          snapshot,
          databaseMs,
          longestLeaseMs: Math.max(0, ...leases),
        }
      }
    })
  }

  read(since: string): Promise<Reading> {
    return this.reading(database => {
      const snapshot = database.snapshot()
      return { snapshot, revocations: this.news(since, snapshot) }
    })
  }

  publish(node: string, synced: string): Promise<void> {
    return this.writing(({ nodes }) => () => {
      const own = nodes.get(node)
      if (own !== undefined) own.synced = synced
    })
  }

  leave(node: string): Promise<void> {
    return this.writing(({ nodes }) => () => {
      nodes.delete(node)
    })
  }

  nodes(): Promise<readonly NodeRow[]> {
    return this.reading(({ nodes }) =>
      [...nodes].map(([id, { beat, leaseMs, synced }]) => ({ id, beat: String(beat), leaseMs, synced })),
    )
  }

  forget(node: string, beat: string): Promise<void> {
    return this.writing(({ nodes }) => () => {
      if (String(nodes.get(node)?.beat) === beat) nodes.delete(node)
    })
  }

  takeTransactionId(): Promise<string> {
    return this.writing((database, _snapshot, xid) => () => {
      database.notify(String(xid))
      return String(xid)
    })
  }

  close() {
    this.link.close()
  }

  /** What a beat reads: all that is in the one snapshot and not in the other. */
  protected news(since: string, snapshot: string) {
    const known = endedIn(since)
    const rows = this.store.database.visible(snapshot).filter(row => !known(row.xid))
    return rows.map(row => row.revocation)
  }

  /** What a beat publishes. */
  protected acknowledged(synced: string, _snapshot: string): string {
    return synced
  }

  protected reading<T>(read: (database: ModelDatabase) => T): Promise<T> {
    const milliseconds = this.store.process.world.duration(0.05, 0.5, 300)
    return this.link.send(() => {
      const result = read(this.store.database)
      return { commit: () => result }
    }, milliseconds)
  }

  /** A transaction: what happens in its snapshot gives what happens when it commits. */
  protected writing<T>(
    work: (database: ModelDatabase, snapshot: string, xid: number) => () => T,
  ): Promise<T> {
    const { database, process } = this.store
    const milliseconds = process.world.duration(0.3, 3, 150)
    return this.link.send(() => {
      const snapshot = database.snapshot()
      // The first write gives the transaction its id, after the snapshot was taken.
      const xid = database.begin()
      const effect = work(database, snapshot, xid)
      return {
        commit: () => {
          database.commit(xid)
          return effect()
        },
        abort: () => database.abort(xid),
      }
    }, milliseconds)
  }
}
