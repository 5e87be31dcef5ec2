import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import postgres from 'postgres'
import { type Clock, systemClock } from '../../src/revocation/clock.ts'
import { createRevocation, type RevocationService } from '../../src/revocation/createRevocation.ts'
import { postgresStore } from '../../src/revocation/postgresStore.ts'
import { createPostgresDatabase } from '../support/database.ts'

/** A database, and nodes that consist of their revocation part only. */
export interface Nodes {
  readonly url: string
  readonly sql: postgres.Sql
  /** Starts a node. @returns the node, which is fresh */
  start(options?: {
    url?: string
    leaseMs?: number
    longestLeaseMs?: number
    clock?: Clock
  }): Promise<RevocationService>
  /** Appends the end of a new session id to the log. */
  revoke(options?: { notify?: boolean }): Promise<{ sid: string; xid: string }>
  close(): Promise<void>
}

export async function openNodes(): Promise<Nodes> {
  const url = await createPostgresDatabase()
  const sql = postgres(url, { max: 5, onnotice: () => {} })
  const started: RevocationService[] = []
  return {
    url,
    sql,
    async start({ leaseMs = 300, longestLeaseMs = leaseMs, clock = systemClock, ...options } = {}) {
      const store = postgresStore(options.url ?? url, { statementMs: 1000 })
      const node = createRevocation({ store, leaseMs, longestLeaseMs, clock })
      started.push(node)
      await node.start()
      return node
    },
    async revoke({ notify = true } = {}) {
      const sid = randomUUID()
      const xid = await sql.begin(tx => appendEnd(tx, sid, notify))
      return { sid, xid }
    },
    async close() {
      await Promise.all(started.map(node => node.stop()))
      await sql.end()
    },
  }
}

/** Appends the end of a session to the log, as revocation/log.ts does. */
export async function appendEnd(tx: postgres.TransactionSql, sid: string, notify = true): Promise<string> {
  const [row] = await tx<{ xid: string }[]>`
    insert into annul.revocations (kind, subject, reason) values ('session', ${sid}, 'LOGGED_OUT') returning xid::text`
  if (notify) await tx`select pg_notify('annul_revocations', '')`
  if (row === undefined) throw new Error('An insert returns its row.')
  return row.xid
}

export function verdictOf(node: RevocationService, sid: string) {
  return node.view.verdict({ sub: randomUUID(), sid, ver: 1, epoch: 1 })
}

/** Waits until the condition holds. @returns how many milliseconds that took */
export async function until(isSo: () => boolean | Promise<boolean>, withinMs = 5000): Promise<number> {
  const start = performance.now()
  while (!(await isSo())) {
    if (performance.now() - start > withinMs) throw new Error(`It was not so within ${withinMs} ms.`)
    await delay(2)
  }
  return performance.now() - start
}
