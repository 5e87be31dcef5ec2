import { eq } from 'drizzle-orm'
import { appendAudit } from '../audit/appendAudit.ts'
import { byViewer } from '../audit/byViewer.ts'
import { sessions } from '../database/tables.ts'
import type { Parts } from '../parts.ts'
import { revokingAs } from '../revocation/revoking.ts'
import type { SessionViewer } from '../viewer.ts'
import { issueTokens, type Tokens } from './issueTokens.ts'
import { lockViewer } from './sessionState.ts'

/** Signs the viewer out everywhere, on this device too. One row is written, however many sessions there are. */
export async function revokeSessions(parts: Parts, viewer: SessionViewer): Promise<boolean> {
  return revokingAs(parts, viewer, { kind: 'user', subject: viewer.userId }, async (tx, revoke) => {
    await revoke.user(viewer.userId, 'SESSIONS_REVOKED', { sessions: true })
    await appendAudit(tx, { kind: 'revoke-sessions', ...byViewer(viewer) })
    return true
  })
}

/**
 * Signs the viewer out on all other devices: all sessions end by a new version, and this session is raised to it.
 *
 * @returns this device's tokens: a new access token, and the refresh token that it has (a lost answer does no harm)
 * @throws AuthError UNAUTHENTICATED when this session ended meanwhile
 */
export async function revokeOtherSessions(parts: Parts, viewer: SessionViewer): Promise<Tokens> {
  return revokingAs(parts, viewer, { kind: 'user', subject: viewer.userId }, async (tx, revoke) => {
    const locked = await lockViewer(tx, viewer)
    const versions = await revoke.user(viewer.userId, 'SESSIONS_REVOKED', { sessions: true })
    const { sessionVersion } = versions
    await tx.update(sessions).set({ sessionVersion }).where(eq(sessions.id, viewer.sessionId))
    await appendAudit(tx, { kind: 'revoke-other-sessions', ...byViewer(viewer) })
    const user = { ...locked.user, ...versions }
    return issueTokens(parts, viewer, { ...locked, user, session: { ...locked.session, sessionVersion } })
  })
}
