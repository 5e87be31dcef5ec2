import { appendAudit } from '../audit/appendAudit.ts'
import { originOf } from '../input/origin.ts'
import type { Parts } from '../parts.ts'
import { revoking } from '../revocation/revoking.ts'
import { endOf, lockSession, readSession } from '../sessions/sessionState.ts'
import type { Visitor } from '../viewer.ts'
import type { Service } from './findService.ts'
import { refuseEnded } from './refuseEnded.ts'

/**
 * Ends a session for a service with the right `revoke`. Returns when no node accepts its tokens.
 *
 * @returns whether the session had been live
 * @throws ServiceEndedError
 */
export async function endSession(
  parts: Pick<Parts, 'app' | 'db' | 'fences' | 'metrics' | 'revocation'>,
  visitor: Visitor,
  service: Service,
  sessionId: string,
): Promise<boolean> {
  return revoking(parts, visitor, { kind: 'session', subject: sessionId }, async (tx, revoke) => {
    await refuseEnded(tx, service)
    await lockSession(tx, sessionId)
    const state = await readSession(tx, sessionId)
    if (state === undefined || endOf(state)) return false
    await revoke.session(sessionId, 'SESSION_REVOKED')
    await appendAudit(tx, {
      kind: 'revoke-session',
      userId: state.user.id,
      sessionId,
      ...originOf(visitor),
      detail: `by the service ${service.name}`,
    })
    return true
  })
}
