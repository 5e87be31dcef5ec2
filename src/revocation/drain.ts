import { type SQL, sql } from 'drizzle-orm'
import { type Database, type OpenDatabase, oneRow, rows } from '../database/open.ts'
import type { Log } from '../log.ts'
import { lockKey, nameOf, type Subject, transactionSeconds } from './fence.ts'

/** The kills' side of the fence (fence.ts says why it is right). */
export interface Fences {
  /**
   * To be awaited by every kill, after its commit: waits until no transaction is left that passed its fence before.
   * Bounded, and it never fails: a transaction that holds a fence for 30 s is ended.
   *
   * @returns how many milliseconds it took
   */
  drained(subjects: readonly Subject[]): Promise<number>
}

/** The embedded database runs one transaction after the other: none is open when a kill has committed. */
const embeddedFences: Fences = { drained: async () => 0 }

/** When the last transaction of a fence has ended by its own time-out, on the slowest clock. */
const longestMs = transactionSeconds * 1000 * 1.05
/** How long a transaction that is ended may take to be rolled back. */
const rollbackMs = 5000
/** Milliseconds between two looks at the holders. */
const shortestPauseMs = 2
const longestPauseMs = 50

interface Waiter {
  readonly subject: Subject
  readonly until: number
  /** Transactions that held the lock when this waiter first looked, and still do; undefined before that. */
  holders: ReadonlySet<string> | undefined
  end(): void
}

/** @param options.longestMs for how long a kill waits before it ends those that hold the fence; default 31,500 */
export function openFences(
  database: Pick<OpenDatabase, 'decisions' | 'embedded'>,
  log: Log,
  options: { longestMs?: number } = {},
): Fences {
  if (database.embedded) return embeddedFences
  const { decisions } = database
  const holders = new Holders(decisions, log, options.longestMs ?? longestMs)

  /** Usually nobody holds the fence, and nothing waits. */
  const isFree = async (subject: Subject) => {
    const lock = sql`select pg_try_advisory_xact_lock(${lockKey(subject)}) as free`
    return (await oneRow<{ free: boolean }>(decisions, lock)).free
  }
  const drain = async (subject: Subject) => {
    if (!(await isFree(subject).catch(() => false))) await holders.gone(subject)
  }

  return {
    async drained(subjects) {
      const since = performance.now()
      await Promise.all(subjects.map(drain))
      return performance.now() - since
    },
  }
}

/**
 * Waits for transactions and not for the lock: who queued for it would hold up every later fence of a busy user, and
 * occupy a connection meanwhile. (Measured: with 40 users whose fences last 12 s, another user's kill took 11 s when
 * kills queued for locks, and 0.3 s so.) All waiters of a node share one look.
 */
class Holders {
  readonly #decisions: Database
  readonly #log: Log
  readonly #longestMs: number
  readonly #waiters = new Set<Waiter>()
  #looking = false

  constructor(decisions: Database, log: Log, longestMs: number) {
    this.#decisions = decisions
    this.#log = log
    this.#longestMs = longestMs
  }

  /** @returns when all transactions have ended that hold the subject's lock now */
  gone(subject: Subject): Promise<void> {
    return new Promise(resolve => {
      const waiter: Waiter = {
        subject,
        until: performance.now() + this.#longestMs,
        holders: undefined,
        end: () => {
          this.#waiters.delete(waiter)
          resolve()
        },
      }
      this.#waiters.add(waiter)
      if (!this.#looking) void this.#look()
    })
  }

  async #look(): Promise<void> {
    this.#looking = true
    for (let pauseMs = shortestPauseMs; this.#waiters.size > 0; pauseMs *= 1.5) {
      // A waiter that comes during a look was not asked for in it.
      const asked = [...this.#waiters]
      const found = await this.#find(asked).catch(() => undefined)
      for (const waiter of asked) await this.#conclude(waiter, found)
      await new Promise(resolve => setTimeout(resolve, Math.min(pauseMs, longestPauseMs)))
    }
    this.#looking = false
  }

  /** @param found undefined: the database can't be asked, and only time helps */
  async #conclude(
    waiter: Waiter,
    found: ReadonlyMap<string, ReadonlySet<string>> | undefined,
  ): Promise<void> {
    const { subject, until } = waiter
    if (found !== undefined) {
      const present = found.get(nameOf(subject)) ?? new Set<string>()
      // A holder that came later has read what the kill committed.
      waiter.holders = new Set([...(waiter.holders ?? present)].filter(holder => present.has(holder)))
      if (waiter.holders.size === 0) return waiter.end()
    }
    const now = performance.now()
    if (now < until) return
    await this.#terminate(waiter).catch(() => {})
    if (now < until + rollbackMs) return
    this.#log.error(subject, 'A transaction holds a fence for more than 30 s, and can not be ended.')
    waiter.end()
  }

  /** By subject, the transactions that hold its lock. */
  async #find(waiters: readonly Waiter[]): Promise<Map<string, Set<string>>> {
    const subjects = new Map(waiters.map(({ subject }) => [nameOf(subject), subject]))
    const keys = [...subjects.values()].map(subject => sql`(${nameOf(subject)}::text, ${lockKey(subject)})`)
    const found = await rows<{ name: string; holder: string }>(
      this.#decisions,
      sql`select name, virtualtransaction as holder
          from (values ${sql.join(keys, sql`, `)}) as asked (name, key) join pg_locks on ${isFence(sql`key`)}`,
    )
    const byName = new Map<string, Set<string>>()
    for (const { name, holder } of found) byName.set(name, (byName.get(name) ?? new Set()).add(holder))
    return byName
  }

  /** Before PostgreSQL 17 a transaction has no time-out of its own, and an app may have set a longer one. */
  async #terminate({ subject, holders = new Set() }: Waiter): Promise<void> {
    const ended = await rows<{ pid: number }>(
      this.#decisions,
      sql`select pid, pg_terminate_backend(pid) from pg_locks
          where ${isFence(lockKey(subject))} and virtualtransaction = any (${`{${[...holders].join()}}`}::text::text[])`,
    )
    const pids = ended.map(({ pid }) => pid)
    if (pids.length > 0) this.#log.warn({ pids }, 'A transaction that held a fence for 30 s was ended.')
  }
}

/** Rows of pg_locks that are a held fence. The 64 bits of an advisory lock stand there as two halves. */
function isFence(key: SQL): SQL {
  return sql`locktype = 'advisory' and granted and mode = 'ShareLock' and objsubid = 1
    and database = (select oid from pg_database where datname = current_database())
    and (classid::bigint << 32 | objid::bigint) = ${key}`
}
