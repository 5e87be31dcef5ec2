import { sql } from 'drizzle-orm'
import type { DatabaseClock } from '../database/clock.ts'
import { type Database, rows } from '../database/open.ts'
import { DeadlineError, outageOf } from '../database/outage.ts'
import type { Reason } from '../errors.ts'
import { judgeStanding, type Standing, standingColumns } from '../revocation/standing.ts'
import type { AccessClaims } from '../tokens/accessClaims.ts'

type Claims = Pick<AccessClaims, 'sub' | 'sid' | 'ver' | 'epoch' | 'exp'>

export interface StrictReader {
  /**
   * Why the token is dead, or undefined while it lives, by the rows of this moment.
   *
   * @throws the driver's error when the primary does not answer within 1 s
   */
  verdict(claims: Claims): Promise<Reason | undefined>
}

interface Waiting {
  readonly claims: Claims
  readonly resolve: (reason: Reason | undefined) => void
  readonly reject: (error: unknown) => void
}

/**
 * Reads versions, session and epoch from the primary: one statement for all waiters at the time it is sent. No waiter
 * joins a statement in flight, because its snapshot may be older than a revocation that returned before the waiter's
 * request began.
 *
 * One statement runs at a time, so that load makes batches and not queues.
 */
export function openStrictReader(decisions: Database, clock: DatabaseClock): StrictReader {
  let waiting: Waiting[] = []
  let reading = false

  const send = async () => {
    reading = true
    // What arrives in the same turn of the event loop shares the statement.
    await new Promise(setImmediate)
    while (waiting.length > 0) {
      const batch = waiting
      waiting = []
      try {
        const sentAt = performance.now()
        const standings = await readTwice(decisions, batch)
        const [first] = standings
        if (first) clock.observe(first.time, sentAt)
        batch.forEach(({ claims, resolve, reject }, index) => {
          const standing = standings[index]
          if (standing) resolve(judgeStanding(claims, standing))
          else reject(new Error('The statement answered with too few rows.'))
        })
      } catch (error) {
        // Waiters that arrived meanwhile would wait for the same outage: all get the error at once.
        for (const { reject } of [...batch, ...waiting]) reject(error)
        waiting = []
      }
    }
    reading = false
  }

  return {
    verdict: claims =>
      new Promise((resolve, reject) => {
        waiting.push({ claims, resolve, reject })
        if (!reading) void send()
      }),
  }
}

/** A connection that broke while it was idle says nothing about the database: the read is retried once, on another. */
async function readTwice(decisions: Database, batch: readonly Waiting[]): Promise<Standing[]> {
  try {
    return await read(decisions, batch)
  } catch (error) {
    const outage = outageOf(error)
    if (!outage || outage.cause instanceof DeadlineError) throw error
    // Not at once: between the error and the end of a broken connection the client would use it, without an answer.
    await new Promise(setImmediate)
    return read(decisions, batch)
  }
}

function read(decisions: Database, batch: readonly Waiting[]): Promise<Standing[]> {
  // Ids were checked to be UUIDs when the token was verified, so that the text of an array needs no quoting.
  const userIds = `{${batch.map(({ claims }) => claims.sub).join()}}`
  const sessionIds = `{${batch.map(({ claims }) => claims.sid).join()}}`
  return rows<Standing>(
    decisions,
    sql`
      select ${standingColumns}
      from unnest(${userIds}::text::uuid[], ${sessionIds}::text::uuid[]) with ordinality as asked (user_id, session_id, place)
      cross join annul.epochs e
      left join annul.users u on u.id = asked.user_id
      left join annul.sessions s on s.id = asked.session_id and s.user_id = asked.user_id
      order by asked.place`,
  )
}
