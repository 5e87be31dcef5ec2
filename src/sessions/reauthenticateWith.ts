import { eq, sql } from 'drizzle-orm'
import { appendAudit } from '../audit/appendAudit.ts'
import { byViewer } from '../audit/byViewer.ts'
import { sessions } from '../database/tables.ts'
import { together } from '../factors/amr.ts'
import { factorAccount } from '../limits/limits.ts'
import type { Parts } from '../parts.ts'
import { fence, fenced } from '../revocation/fence.ts'
import type { OnDevice, SessionViewer } from '../viewer.ts'
import { checkInput } from './checkFactor.ts'
import type { FactorInput } from './factorProof.ts'
import { issueTokens, type Tokens } from './issueTokens.ts'
import { isReasonToTell, noteRefusal } from './noteRefusal.ts'
import { readLiveSession } from './sessionState.ts'
import { tryFactor } from './tryFactor.ts'
import { useProof } from './useProof.ts'

/**
 * Proves once more who the viewer is, by a factor. The time and the proof stand only in the access token that is
 * returned, so that a thief's refresh does not inherit them. The refresh token goes on. The session notes the factor,
 * and ends with the factor (accounts/removeFactor.ts).
 *
 * @throws AuthError BAD_USER_INPUT / CODE_INVALID, PASSKEY_INVALID or FACTOR_INPUT_INVALID, TOO_MANY_REQUESTS,
 *   UNAUTHENTICATED
 */
export async function reauthenticateWith(
  parts: Parts,
  viewer: SessionViewer & OnDevice,
  given: FactorInput,
): Promise<Tokens> {
  const input = checkInput(given, 'input')
  const { userId, sessionId } = viewer
  // Versions and generation are of one instant: a change while the factor is checked kills the tokens that are returned.
  const state = await readLiveSession(parts.db, sessionId)
  const of = { userId, boundTo: boundToSession(sessionId), argument: 'input' }
  const proof = await tryFactor(parts, viewer, input, of, {
    refused: failures =>
      noteRefusal(parts, viewer, userId, isReasonToTell(failures), async tx => {
        await fence(tx, viewer)
        await appendAudit(tx, { kind: 'reauthenticate-failed', ...byViewer(viewer) })
      }),
  })
  const tokens = await fenced(parts, viewer, async tx => {
    await useProof(tx, viewer, userId, proof)
    await tx
      .update(sessions)
      .set({
        factorIds: sql`array_append(array_remove(${sessions.factorIds}, ${proof.factorId}::uuid), ${proof.factorId}::uuid)`,
        // As in the token: whoever changes factors shows the token of the proof (accounts/checkFactorProof.ts).
        factorTime: new Date(state.readAt * 1000),
      })
      .where(eq(sessions.id, sessionId))
    await appendAudit(tx, { kind: 'reauthenticate', ...byViewer(viewer), detail: 'by a factor' })
    return issueTokens(parts, viewer, state, {
      authTime: Math.floor(state.readAt),
      amr: together(state.session.amr, proof.amr),
    })
  })
  viewer.device.remember(factorAccount(userId))
  return tokens
}

/** What a passkey's challenge for it is made for. */
export function boundToSession(sessionId: string): string {
  return `session ${sessionId}`
}
