import { sql } from 'drizzle-orm'
import { type Reason, storedReason } from '../errors.ts'
import type { RevocableClaims } from './view.ts'

/** What the primary says about one token. Column names as the statements give them. */
export interface Standing {
  /** Whether the key that signed the token was revoked. */
  readonly key_revoked: boolean
  readonly token_version: number | null
  readonly token_reason: string | null
  readonly session_found: boolean
  readonly session_ended: boolean
  readonly end_reason: string | null
  readonly epoch: number
  /** Seconds since 1970. */
  readonly time: number
}

/** The columns of a Standing, of a signing key `k`, a user `u`, a session `s` (each may be missing) and the epoch `e`. */
export const standingColumns = sql.raw(`
  k.revoked_at is not null as key_revoked,
  u.token_version, u.token_reason,
  s.id is not null as session_found, s.ended_at is not null as session_ended, s.end_reason,
  e.epoch::float8 as epoch, extract(epoch from clock_timestamp())::float8 as time`)

/**
 * Why a token with these claims is dead by the rows of one moment, or undefined while it lives. The view says the same
 * (view.ts): reasons come in the order key, expired, everyone, user, session. The key comes first, because nothing that a
 * revoked key has signed proves anything, its `exp` included.
 *
 * A version above the row's is impossible, because the row is never behind.
 */
export function judgeStanding(
  claims: RevocableClaims & { readonly exp: number },
  standing: Standing,
): Reason | undefined {
  if (standing.key_revoked) return 'KEY_REVOKED'
  if (claims.exp <= standing.time) return 'TOKEN_EXPIRED'
  if (claims.epoch < standing.epoch) return 'EVERYTHING_REVOKED'
  if (standing.token_version === null) return 'USER_DELETED'
  if (claims.ver < standing.token_version) return storedReason(standing.token_reason)
  // A token of Annul's own always has a session: `verify` refuses every other (tokens/accessToken.ts).
  if (claims.sid === null) return undefined
  if (!standing.session_found) return 'SESSION_EXPIRED'
  return standing.session_ended ? storedReason(standing.end_reason) : undefined
}
