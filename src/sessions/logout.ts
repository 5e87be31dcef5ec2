import { appendAudit } from '../audit/appendAudit.ts'
import type { Queries } from '../database/open.ts'
import { originOf } from '../input/origin.ts'
import type { Parts } from '../parts.ts'
import type { Revoke } from '../revocation/log.ts'
import { revoking, revokingAs } from '../revocation/revoking.ts'
import type { DeviceVisitor, SessionViewer, Visitor } from '../viewer.ts'
import { readRefreshToken } from './refresh.ts'
import { endOf, lockSession, readSession } from './sessionState.ts'

/**
 * Ends the session of a refresh token of any generation: a logout with an old token is no sign of theft.
 *
 * @returns whether the session had been live
 * @throws AuthError INVALID_REFRESH_TOKEN / TOKEN_INVALID
 */
export async function logoutByRefreshToken(
  parts: Parts,
  visitor: DeviceVisitor,
  refreshToken: string,
): Promise<boolean> {
  const subject = readRefreshToken(parts, visitor, refreshToken).sessionId
  return revoking(parts, visitor, { kind: 'session', subject }, (tx, revoke) =>
    endSession(tx, revoke, visitor, subject),
  )
}

/** Ends the viewer's own session. @returns whether it had been live @throws AuthError UNAUTHENTICATED */
export function logoutViewer(parts: Parts, viewer: SessionViewer): Promise<boolean> {
  const subject = viewer.sessionId
  return revokingAs(parts, viewer, { kind: 'session', subject }, (tx, revoke) =>
    endSession(tx, revoke, viewer, subject),
  )
}

async function endSession(
  tx: Queries,
  revoke: Revoke,
  visitor: Visitor,
  sessionId: string,
): Promise<boolean> {
  await lockSession(tx, sessionId)
  const state = await readSession(tx, sessionId)
  if (state === undefined || endOf(state)) return false
  await Promise.all([
    revoke.session(sessionId, 'LOGGED_OUT'),
    appendAudit(tx, {
      kind: 'logout',
      actorId: state.user.id,
      userId: state.user.id,
      sessionId,
      ...originOf(visitor),
    }),
  ])
  return true
}
