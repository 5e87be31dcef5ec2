import type { Revocation } from './view.ts'

/** `pg_snapshot` as text: which transactions had ended when a statement began. */
export type Snapshot = string

/** The rows that came since an earlier snapshot, all read in the one snapshot of a statement. */
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
  /** It only rises: an equal value says that the node has not beaten in between. */
  readonly beat: string
  readonly leaseMs: number
  /** Everything in this snapshot has been applied by the node, and by all who decide by the node's picture. */
  readonly synced: Snapshot
}

/**
 * One connection to the writable primary, from its opening to its loss. A lost connection is never reopened silently,
 * since the next answer might come from another database. One method is one statement, and its promise is fulfilled
 * after the statement's transaction has committed. After an error the connection is to be closed.
 */
export interface RevocationConnection {
  snapshot(): Promise<Snapshot>
  /** Unexpired rows of the log with greater ids, in order of ids; undefined when there are none. */
  page(afterId: string): Promise<{ revocations: readonly Revocation[]; lastId: string } | undefined>
  /** Inserts the node's row, in place of rows that it had before. */
  join(node: string, leaseMs: number, former: readonly string[]): Promise<void>
  /**
   * Raises the node's beat, publishes that everything in `synced` is applied, and reads what is not in `since`. The two
   * differ while a verifier may still be fresh without what was read (feed.ts).
   */
  beat(node: string, since: Snapshot, synced: Snapshot): Promise<Beat>
  read(since: Snapshot): Promise<Reading>
  publish(node: string, synced: Snapshot): Promise<void>
  /** Removes the row of a node that has stopped deciding from memory. */
  leave(node: string): Promise<void>
  nodes(): Promise<readonly NodeRow[]>
  /** Removes a node's row unless the node has beaten since. */
  forget(node: string, beat: string): Promise<void>
  /** Takes a new transaction id, and hints to every node to read. */
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
