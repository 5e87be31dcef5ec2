import { sql } from 'drizzle-orm'
import { arrayOf } from '../database/arrayOf.ts'
import type { DatabaseClock } from '../database/clock.ts'
import { inBatches } from '../database/inBatches.ts'
import { type Database, rows } from '../database/open.ts'
import { readTwice } from '../database/readTwice.ts'
import type { Reason } from '../errors.ts'
import { judgeStanding, type Standing, standingColumns } from '../revocation/standing.ts'
import type { RevocableClaims } from '../revocation/view.ts'
import { keyIdOf } from '../tokens/accessToken.ts'

type Claims = RevocableClaims & { readonly exp: number }

/** What the primary says about a token that has no session, and so no versions, roles and scopes of its own. */
export interface UserStanding extends Standing {
  readonly status: string | null
  /** Lists, as JSON. */
  readonly roles: string | null
  readonly scopes: string | null
  /** The epoch when the user's row was made. */
  readonly created_epoch: number | null
}

export interface StrictReader {
  /**
   * Why the token is dead, or undefined while it lives, by the rows of this moment.
   *
   * @param claims as `verify` returned them (tokens/accessToken.ts): from that object the key is known
   * @throws the driver's error when the primary does not answer within 1 s
   */
  verdict(claims: Claims): Promise<Reason | undefined>
  /** What the rows of this moment say about a user. @throws as `verdict` */
  ofUser(userId: string): Promise<UserStanding>
}

interface Asked {
  readonly userId: string
  /** null: the user is asked about, and no session. */
  readonly sessionId: string | null
  /** The key that signed the token; undefined: none of Annul's own. */
  readonly keyId: string | undefined
}

/**
 * Reads versions, session and epoch from the primary: one statement for all waiters at the time it is sent. No waiter
 * joins a statement in flight, because its snapshot may be older than a revocation that returned before the waiter's
 * request began.
 */
export function openStrictReader(decisions: Database, clock: DatabaseClock): StrictReader {
  const standingOf = inBatches(async (batch: readonly Asked[]) => {
    const sentAt = performance.now()
    const standings = await readTwice(() => read(decisions, batch))
    const [first] = standings
    if (first) clock.observe(first.time, sentAt)
    return standings
  })

  return {
    verdict: async claims =>
      judgeStanding(
        claims,
        await standingOf({ userId: claims.sub, sessionId: claims.sid, keyId: keyIdOf(claims) }),
      ),
    ofUser: userId => standingOf({ userId, sessionId: null, keyId: undefined }),
  }
}

/** Only for tokens without a session. Annul's own carry roles and scopes, which change with the token version. */
const userColumns = sql.raw(`
  case when asked.session_id is null then u.status end as status,
  case when asked.session_id is null then array_to_json(u.roles)::text end as roles,
  case when asked.session_id is null then array_to_json(u.scopes)::text end as scopes,
  case when asked.session_id is null then u.created_epoch::float8 end as created_epoch`)

function read(decisions: Database, batch: readonly Asked[]): Promise<UserStanding[]> {
  const userIds = arrayOf(batch.map(({ userId }) => userId))
  const sessionIds = arrayOf(batch.map(({ sessionId }) => sessionId))
  const keyIds = arrayOf(batch.map(({ keyId }) => keyId ?? null))
  return rows<UserStanding>(
    decisions,
    sql`
      select ${standingColumns}, ${userColumns}
      from unnest(${userIds}::text::uuid[], ${sessionIds}::text::uuid[], ${keyIds}::text::text[])
        with ordinality as asked (user_id, session_id, key_id, place)
      cross join annul.epochs e
      left join annul.signing_keys k on k.id = asked.key_id
      left join annul.users u on u.id = asked.user_id
      left join annul.sessions s on s.id = asked.session_id and s.user_id = asked.user_id
      order by asked.place`,
  )
}
