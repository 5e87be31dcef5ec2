import postgres from 'postgres'
import { Sockets, withDeadline } from '../database/deadline.ts'
import { OutageError } from '../database/faults.ts'
import { storedReason } from '../errors.ts'
import { revocationChannel } from './log.ts'
import type { NodeRow, RevocationConnection, RevocationStore, Snapshot } from './store.ts'
import { type Revocation, revocationKeptMs } from './view.ts'

const pageRows = 10_000

/**
 * PostgreSQL, on one connection named `annul-follow`. Hints arrive on the very socket that carries the beats, so a
 * node that has gone deaf notices with its next beat.
 *
 * @param url the writable primary itself: a transaction pooler can't LISTEN, and a replica shows the past
 * @param options.statementMs a statement without an answer for so long means that the connection is lost
 */
export function postgresStore(url: string, options: { statementMs?: number } = {}): RevocationStore {
  const statementMs = options.statementMs ?? 2000
  return {
    async connect(onHint) {
      const sockets = new Sockets()
      let lost = false
      const settings = {
        max: 1,
        connect_timeout: 3,
        max_lifetime: null,
        fetch_types: false,
        onnotice: () => {},
        onnotify: onHint,
        onclose: () => close(),
        socket: (target: { host: string[]; port: number[]; path?: string | false }) =>
          sockets.connect(target),
        connection: {
          application_name: 'annul-follow',
          statement_timeout: Math.floor(statementMs * 0.8),
          // The row of a node must outlive a crash of the database, or a barrier would not wait for it.
          synchronous_commit: 'on',
        },
      }
      const client = postgres(url, settings)
      const guarded = withDeadline(client, sockets, { statementMs, transactionMs: statementMs })
      const close = () => {
        if (lost) return
        lost = true
        sockets.drop()
        client.end({ timeout: 0 }).catch(() => {})
        onHint()
      }
      const run: Run = async (text, parameters = []) => {
        // The client would quietly connect again.
        if (lost) throw new OutageError(new Error('The connection of the follower was lost.'))
        return [...(await guarded.unsafe(text, parameters as never[]))] as never[]
      }
      try {
        await run(`listen ${revocationChannel}`)
      } catch (error) {
        close()
        throw error
      }
      return { ...statements(run), close }
    },
  }
}

type Run = <Row>(text: string, parameters?: readonly unknown[]) => Promise<Row[]>

interface LogRow {
  kind: Revocation['kind']
  subject: string | null
  min_version: string | null
  reason: string
  revoked_ms: number
}

interface BeatRow extends Omit<LogRow, 'kind'> {
  found: boolean
  snapshot: Snapshot
  database_ms: number
  longest_lease_ms: number
  kind: LogRow['kind'] | null
}

const logColumns =
  'kind, subject, min_version, reason, (extract(epoch from revoked_at) * 1000)::float8 as revoked_ms'

function statements(run: Run): Omit<RevocationConnection, 'close'> {
  return {
    async snapshot() {
      return only(await run<{ snapshot: Snapshot }>('select pg_current_snapshot()::text as snapshot'))
        .snapshot
    },

    async page(afterId) {
      const rows = await run<LogRow & { id: string }>(
        `select id, ${logColumns} from annul.revocations
         where id > $1 and revoked_at > now() - interval '${revocationKeptMs} milliseconds' order by id limit ${pageRows}`,
        [afterId],
      )
      const last = rows.at(-1)
      return last && { revocations: rows.map(revocation), lastId: last.id }
    },

    async join(node, leaseMs, former) {
      await run(
        `with gone as (delete from annul.nodes where id = any ($3::uuid[]))
         insert into annul.nodes (id, lease_ms) values ($1, $2)`,
        [node, leaseMs, `{${former.join()}}`],
      )
    },

    // Not in the snapshot $2 is what was running in it and what began later. Said so, an index finds the rows however
    // long some transaction stays open. The update and the reading share the statement's snapshot.
    async beat(node, synced) {
      const rows = await run<BeatRow>(
        `with beaten as (update annul.nodes set beat = beat + 1, synced = $2::pg_snapshot where id = $1 returning 1),
              news as (select ${logColumns} from annul.revocations
                       where xid >= pg_snapshot_xmax($2::pg_snapshot)
                          or xid = any (array(select pg_snapshot_xip($2::pg_snapshot))))
         select pg_current_snapshot()::text as snapshot, exists (select from beaten) as found,
                (extract(epoch from clock_timestamp()) * 1000)::float8 as database_ms,
                (select coalesce(max(lease_ms), 0) from annul.nodes) as longest_lease_ms, news.*
         from (values (1)) as one left join news on true`,
        [node, synced],
      )
      const first = only(rows)
      return {
        found: first.found,
        revocations: rows.filter((row): row is BeatRow & LogRow => row.kind !== null).map(revocation),
        snapshot: first.snapshot,
        databaseMs: first.database_ms,
        longestLeaseMs: first.longest_lease_ms,
      }
    },

    async publish(node, synced) {
      await run('update annul.nodes set synced = $2::pg_snapshot where id = $1', [node, synced])
    },

    async leave(node) {
      await run('delete from annul.nodes where id = $1', [node])
    },

    nodes() {
      return run<NodeRow>('select id, beat, lease_ms as "leaseMs", synced::text as synced from annul.nodes')
    },

    async forget(node, beat) {
      await run('delete from annul.nodes where id = $1 and beat = $2', [node, beat])
    },

    async takeTransactionId() {
      const text = `select pg_current_xact_id()::text as xid, pg_notify('${revocationChannel}', '')::text`
      return only(await run<{ xid: string }>(text)).xid
    },
  }
}

function revocation(row: LogRow): Revocation {
  return {
    kind: row.kind,
    ...(row.subject !== null && { subject: row.subject }),
    ...(row.min_version !== null && { minVersion: Number(row.min_version) }),
    reason: storedReason(row.reason),
    revokedAt: row.revoked_ms,
  }
}

function only<Row>([row]: Row[]): Row {
  if (row === undefined) throw new Error('A statement that always answers with a row answered with none.')
  return row
}
