import postgres from 'postgres'
import { Sockets, withDeadline } from '../database/deadline.ts'
import { firstOf } from '../database/open.ts'
import { OutageError } from '../database/outage.ts'
import { storedReason } from '../errors.ts'
import { revocationChannel } from './log.ts'
import type { NodeRow, Reading, RevocationConnection, RevocationStore, Snapshot } from './store.ts'
import { type Revocation, revocationKeptMs } from './view.ts'

const pageRows = 20_000
const uuidLength = 36

/**
 * PostgreSQL, on one connection named `annul-follow`. Hints arrive on the same socket that carries the beats, so a
 * node that no longer receives hints notices the lost connection with its next beat.
 *
 * @param url the writable primary itself: a transaction pooler can't LISTEN, and a replica shows the past
 * @param options.statementMs milliseconds without an answer after which the connection counts as lost; default 2000
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
        onnotify: (_channel: string, payload: string) => onHint(/^\d+$/.test(payload) ? payload : undefined),
        onclose: () => close(),
        socket: (target: { host: string[]; port: number[]; path?: string | false }) =>
          sockets.connect(target),
        connection: {
          application_name: 'annul-follow',
          statement_timeout: Math.floor(statementMs * 0.8),
          // Every barrier waits for these commits, so they are not flushed. A crash of the database may lose them: an
          // older beat or snapshot only makes other nodes wait. Only join() flushes its commit.
          synchronous_commit: 'off',
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
        // The client would silently connect again, perhaps to another database.
        if (lost) throw new OutageError(new Error('The connection of the follower was lost.'))
        return (await guarded.ask(text, parameters)) as never[]
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

/** A row of the log beside the columns of the whole answer. Without news, one row has null log columns. */
interface ReadRow extends Omit<LogRow, 'kind'> {
  snapshot: Snapshot
  kind: LogRow['kind'] | null
}

interface BeatRow extends ReadRow {
  found: boolean
  database_ms: number
  longest_lease_ms: number
}

const logColumns =
  'kind, subject, min_version, reason, (extract(epoch from revoked_at) * 1000)::float8 as revoked_ms'

/**
 * A snapshot lacks the transactions that began after it, and those that were running in it. With this condition on
 * plain values, an index finds the rows however long some transaction stays open.
 */
const newsSince = `select ${logColumns} from annul.revocations where xid >= $1::xid8 or xid = any ($2::xid8[])`

/**
 * The client would take some ten seconds to read a million rows. So a page comes as two texts: one of all subjects, and
 * one of the other columns. Few of these differ: times are rounded up to the minute, as the view does anyway.
 */
const pageSince = `
  select max(id)::text as last_id, string_agg(coalesce(subject::text, '${' '.repeat(uuidLength)}'), '') as subjects,
         string_agg(concat_ws(' ', kind, reason, ceil(date_part('epoch', revoked_at) / 60)::int, min_version), ',') as rest
  from (select * from annul.revocations
        where id > $1 and (kind = 'key' or revoked_at > now() - interval '${revocationKeptMs} milliseconds')
        order by id limit ${pageRows}) as page`

interface PageRow {
  last_id: string
  subjects: string
  rest: string
}

function unpack({ subjects, rest }: PageRow): Revocation[] {
  const bytes = Buffer.from(subjects, 'latin1')
  const known = new Map<string, Revocation>()
  return rest.split(',').map((text, index) => {
    const { kind, reason, minVersion, revokedAt } = known.get(text) ?? parseRest(text, known)
    // Taken from bytes: a slice of a text would keep the whole text in memory.
    const subject = bytes.toString('latin1', index * uuidLength, (index + 1) * uuidLength)
    return { kind, subject: kind === 'everyone' ? undefined : subject, minVersion, reason, revokedAt }
  })
}

function parseRest(text: string, known: Map<string, Revocation>): Revocation {
  const [kind = '', reason = '', minutes, minVersion] = text.split(' ')
  const revocation = {
    kind: kind as Revocation['kind'],
    minVersion: minVersion === undefined ? undefined : Number(minVersion),
    reason: storedReason(reason),
    revokedAt: Number(minutes) * 60_000,
  }
  known.set(text, revocation)
  return revocation
}

function notIn(snapshot: Snapshot): [next: string, running: string] {
  const [, next = '', running = ''] = snapshot.split(':')
  return [next, `{${running}}`]
}

function statements(run: Run): Omit<RevocationConnection, 'close'> {
  return {
    async snapshot() {
      return firstOf(await run<{ snapshot: Snapshot }>('select pg_current_snapshot()::text as snapshot'))
        .snapshot
    },

    async page(afterId) {
      const page = firstOf(await run<PageRow | { last_id: null }>(pageSince, [afterId]))
      return page.last_id === null ? undefined : { revocations: unpack(page), lastId: page.last_id }
    },

    // The row must outlive a crash of the database, or a barrier would not wait for this node.
    async join(node, leaseMs, former) {
      await run(
        `with gone as (delete from annul.nodes where id = any ($3::uuid[]))
         insert into annul.nodes (id, lease_ms)
         select $1, $2 where set_config('synchronous_commit', 'on', true) = 'on'`,
        [node, leaseMs, `{${former.join()}}`],
      )
    },

    // The update and the reading share the statement's snapshot.
    async beat(node, since, synced) {
      const rows = await run<BeatRow>(
        `with news as (${newsSince}),
              beaten as (update annul.nodes set beat = beat + 1, synced = $4::pg_snapshot where id = $3 returning 1)
         select pg_current_snapshot()::text as snapshot, exists (select from beaten) as found,
                (extract(epoch from clock_timestamp()) * 1000)::float8 as database_ms,
                (select coalesce(max(lease_ms), 0) from annul.nodes) as longest_lease_ms, news.*
         from (values (1)) as one left join news on true`,
        [...notIn(since), node, synced],
      )
      const { found, database_ms, longest_lease_ms } = firstOf(rows)
      return { ...reading(rows), found, databaseMs: database_ms, longestLeaseMs: longest_lease_ms }
    },

    async read(since) {
      const text = `with news as (${newsSince})
         select pg_current_snapshot()::text as snapshot, news.* from (values (1)) as one left join news on true`
      return reading(await run<ReadRow>(text, notIn(since)))
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
      const text = `select pg_current_xact_id()::text as xid,
                           pg_notify('${revocationChannel}', pg_current_xact_id()::text)::text`
      return firstOf(await run<{ xid: string }>(text)).xid
    },
  }
}

function reading(rows: ReadRow[]): Reading {
  const news = rows.filter((row): row is ReadRow & LogRow => row.kind !== null)
  return { snapshot: firstOf(rows).snapshot, revocations: news.map(revocation) }
}

function revocation(row: LogRow): Revocation {
  return {
    kind: row.kind,
    subject: row.subject ?? undefined,
    minVersion: row.min_version === null ? undefined : Number(row.min_version),
    reason: storedReason(row.reason),
    revokedAt: row.revoked_ms,
  }
}
