import { and, eq, isNull, lt, or, type SQL, sql } from 'drizzle-orm'
import { appendAudit } from '../audit/appendAudit.ts'
import { byViewer } from '../audit/byViewer.ts'
import { databaseTime } from '../database/clock.ts'
import type { Queries } from '../database/open.ts'
import { sessionColumns, userColumns } from '../database/rows.ts'
import { epochs, sessions, users } from '../database/tables.ts'
import type { Parts } from '../parts.ts'
import { fenced } from '../revocation/fence.ts'
import type { RefreshClaims } from '../tokens/refreshToken.ts'
import { isRenewalProof } from '../tokens/renewalProof.ts'
import type { SessionViewer } from '../viewer.ts'
import { issueTokens } from './issueTokens.ts'

import { isLive } from './sessionState.ts'

/** A new access token in place of the viewer's. */
export interface Renewed {
  readonly accessToken: string
  /** Seconds. */
  readonly expiresIn: number
}

/**
 * Shows that the sender of an access token also holds the session's refresh token: in cookie mode by the claims of the
 * authentic cookie, elsewhere by a proof that is made for this very access token (tokens/renewalProof.ts).
 */
export type RenewalProof = { readonly cookie: RefreshClaims } | { readonly proof: string }

/**
 * A new access token for an active user whose present one is in its last third, so that no refresh interrupts them.
 * Using the session moves its idle end, as a refresh does. At most one per session and minute, on all nodes together.
 *
 * Only for a sender who proves to hold the session's current refresh token: a stolen access token must not outlive its
 * time. Only for an access token that was issued since the session's last refresh.
 *
 * @returns undefined where no renewal is due, or the proof is not right
 */
export async function renewAccessToken(
  parts: Parts,
  viewer: SessionViewer,
  proof: RenewalProof,
): Promise<Renewed | undefined> {
  const { exp, iat, auth_time, amr } = viewer.claims
  if (exp - parts.clock.now() > (exp - iat) / 3) return undefined
  if ('cookie' in proof && proof.cookie.sessionId !== viewer.sessionId) return undefined

  return fenced(parts, viewer, async tx => {
    const due = await readDue(tx, viewer)
    if (due === undefined || !isProved(parts, viewer, proof, due)) return undefined
    const source = await extend(parts, tx, viewer, due.generation)
    if (source === undefined) return undefined
    if (due.isFirstOfDay) await appendAudit(tx, { kind: 'renew', ...byViewer(viewer) })
    const { accessToken, expiresIn } = issueTokens(parts, viewer, source, {
      authTime: auth_time,
      ...(amr && { amr }),
    })
    return { accessToken, expiresIn }
  })
}

/** Beside `isLive`: the viewer's session, which was not renewed within the last minute, nor refreshed since the token. */
const isDue = ({ sessionId, claims }: SessionViewer): SQL | undefined =>
  and(
    eq(sessions.id, sessionId),
    or(isNull(sessions.renewedAt), lt(sessions.renewedAt, sql`now() - interval '1 minute'`)),
    sql`floor(extract(epoch from ${sessions.rotatedAt})) <= ${claims.iat}::float8`,
    eq(users.id, sessions.userId),
    eq(users.tokenVersion, claims.ver),
    isLive,
  )

/** One event for each session and day (UTC): one for each renewal would bury the others. */
const isFirstOfDay = sql<boolean>`coalesce(
  date_trunc('day', ${sessions.renewedAt}, 'UTC') < date_trunc('day', now(), 'UTC'), true)`

interface Due {
  readonly generation: number
  readonly cookie: boolean
  readonly isFirstOfDay: boolean
}

async function readDue(tx: Queries, viewer: SessionViewer): Promise<Due | undefined> {
  const [due] = await tx
    .select({ generation: sessions.generation, cookie: sessions.cookie, isFirstOfDay })
    .from(sessions)
    .innerJoin(users, eq(users.id, sessions.userId))
    .innerJoin(epochs, eq(epochs.id, 1))
    .where(isDue(viewer))
  return due
}

/**
 * The session decides which kind of proof is the right one: no script can know a cookie session's refresh token. A proof
 * by a refresh token of the previous secret is none, as with cookies (request/renewalProof.ts).
 */
function isProved(
  parts: Parts,
  { sessionId, claims }: SessionViewer,
  proof: RenewalProof,
  due: Due,
): boolean {
  const { generation, cookie } = due
  if ('cookie' in proof) return cookie && proof.cookie.generation === generation
  return (
    !cookie && isRenewalProof(proof.proof, parts.refreshTokens.derive({ sessionId, generation }), claims.jti)
  )
}

/** A refresh or another renewal may have come since `readDue`: then the conditions are no longer met. */
async function extend(parts: Parts, tx: Queries, viewer: SessionViewer, generation: number) {
  const [row] = await tx
    .update(sessions)
    .set({
      renewedAt: sql`now()`,
      lastUsedAt: sql`now()`,
      idleExpiresAt: sql`now() + make_interval(secs => ${parts.config.sessionIdleSeconds})`,
    })
    .from(users)
    .innerJoin(epochs, eq(epochs.id, 1))
    .where(and(isDue(viewer), eq(sessions.generation, generation)))
    .returning({ session: sessionColumns, user: userColumns, epoch: epochs.epoch, readAt: databaseTime })
  return row
}
