import { appendAudit } from '../audit/appendAudit.ts'
import { deviceName } from '../input/device.ts'
import type { Parts } from '../parts.ts'
import { revoking } from '../revocation/revoking.ts'
import type { Viewer, Visitor } from '../viewer.ts'
import { readRefreshToken } from './refresh.ts'
import { endOf, lockSession, readSession } from './sessionState.ts'

/**
 * Ends the session of a refresh token, whichever of its generations it is: a client that logs out with an old copy
 * means it, and is no thief.
 *
 * @returns whether the session had been live
 * @throws AuthError INVALID_REFRESH_TOKEN / TOKEN_INVALID
 */
export async function logoutByRefreshToken(
  parts: Parts,
  visitor: Visitor,
  refreshToken: string,
): Promise<boolean> {
  return logout(parts, visitor, readRefreshToken(parts, refreshToken).sessionId)
}

/** Ends the viewer's own session. @returns whether it had been live */
export function logoutViewer(parts: Parts, viewer: Viewer): Promise<boolean> {
  return logout(parts, viewer, viewer.sessionId)
}

async function logout(parts: Parts, visitor: Visitor, sessionId: string): Promise<boolean> {
  return revoking(parts, visitor, async (tx, log) => {
    await lockSession(tx, sessionId)
    const state = await readSession(tx, sessionId)
    if (state === undefined || endOf(state)) return false
    // Sent together: neither needs the other's answer.
    await Promise.all([
      log.endSession(sessionId, 'LOGGED_OUT'),
      appendAudit(tx, {
        kind: 'logout',
        actorId: state.user.id,
        userId: state.user.id,
        sessionId,
        ipAddress: visitor.ipAddress,
        device: deviceName(visitor.userAgent),
      }),
    ])
    return true
  })
}
