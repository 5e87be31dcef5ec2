import type { Revocation } from './view.ts'

/** `pg_snapshot` as text: which transactions had ended when a statement began. */
export type Snapshot = string

/** What came since an earlier snapshot. All of it is of the statement's one snapshot. */
export interface Reading {
  /** The rows of the log that are in this snapshot and were not in the earlier one. */
  readonly revocations: readonly Revocation[]
  readonly snapshot: Snapshot
}

export interface Beat extends Reading {
  /** Whether the node's row was there, and its beat was raised. */
  readonly found: boolean
  /** The database's time while the statement ran, in milliseconds since 1970. */
  readonly databaseMs: number
  /** The longest lease of all nodes. */
  readonly longestLeaseMs: number
}

/** A row of `nodes`. */
export interface NodeRow {
  readonly id: string
  /** It only rises, so an equal one says that none was between. */
  readonly beat: string
  readonly leaseMs: number
  /** Everything in this snapshot has been applied by the node. */
  readonly synced: Snapshot
}

/**
 * One connection to the writable primary, from its opening to its loss: it is never opened again beneath its user,
 * since what answers next might be another database. One method is one statement, and its promise is fulfilled after
 * the statement's transaction has committed. After an error the connection is to be closed.
 */
export interface RevocationConnection {
  snapshot(): Promise<Snapshot>
  /** Unexpired rows of the log with greater ids, in order of ids; none: that was all. */
  page(afterId: string): Promise<{ revocations: readonly Revocation[]; lastId: string } | undefined>
  /** Inserts the node's row, in place of rows that it had before. */
  join(node: string, leaseMs: number, former: readonly string[]): Promise<void>
  /** Raises the node's beat, publishes that it has applied everything in `synced`, and reads what is not in it. */
  beat(node: string, synced: Snapshot): Promise<Beat>
  read(synced: Snapshot): Promise<Reading>
  publish(node: string, synced: Snapshot): Promise<void>
  /** Removes the row of a node that has stopped deciding from memory. */
  leave(node: string): Promise<void>
  nodes(): Promise<readonly NodeRow[]>
  /** Removes a node's row unless it has beaten since. */
  forget(node: string, beat: string): Promise<void>
  /** A transaction id of now, and a hint to every node to read. */
  takeTransactionId(): Promise<string>
  close(): void
}

/** The database as follow.ts and barrier.ts see it: the simulation puts a model in its place. */
export interface RevocationStore {
  /**
   * @param onHint called when there may be something to read, with the id of the transaction that wrote it if that is
   *   known, and when the connection was lost
   */
  connect(onHint: (xid?: string) => void): Promise<RevocationConnection>
}
