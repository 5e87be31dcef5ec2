import { outageOf } from '../database/outage.ts'
import { type AuthError, type Reason, unauthenticated, unavailable } from '../errors.ts'
import type { Parts } from '../parts.ts'
import type { VerifiedClaims } from '../tokens/accessClaims.ts'
import type { FormerToken } from '../tokens/formerTokens.ts'
import type { DeviceVisitor, Viewer, ViewerClaims } from '../viewer.ts'
import { judgeFormerToken } from './judgeFormerToken.ts'
import type { StrictReader } from './strictReader.ts'

/** The viewer of a request, or why there is none. Returned, not thrown: it is remembered for the whole request. */
export type Decision = Viewer | AuthError

export interface Authenticator {
  /** A promise only where the database must be asked. Never throws. */
  decide(visitor: DeviceVisitor, token: string | undefined): Decision | Promise<Decision>
}

/** Token -> claims -> verdict. */
export function openAuthenticator(
  parts: Pick<Parts, 'accessTokens' | 'config' | 'formerTokens' | 'keys' | 'log' | 'metrics' | 'revocation'>,
  strict: StrictReader,
): Authenticator {
  const { accessTokens, config, formerTokens, keys, log, metrics, revocation } = parts

  const decide = (visitor: DeviceVisitor, token: string | undefined): Decision | Promise<Decision> => {
    if (token === undefined) return refuse('TOKEN_MISSING')
    const claims = accessTokens.verify(token)
    if (typeof claims !== 'string') return judge(visitor, claims)
    const former = claims === 'TOKEN_INVALID' ? formerTokens.verify(token) : undefined
    if (former !== undefined)
      return typeof former === 'string' ? refuse(former) : askAboutUser(visitor, former)
    return accessTokens.hasUnknownKey(token) ? learnKey(visitor, token) : refuse(claims)
  }

  const learnKey = async (visitor: DeviceVisitor, token: string): Promise<Decision> => {
    try {
      await keys.reload()
    } catch (error) {
      return outage(error)
    }
    const claims = accessTokens.verify(token)
    return typeof claims === 'string' ? refuse(claims) : judge(visitor, claims)
  }

  const judge = (visitor: DeviceVisitor, claims: VerifiedClaims): Decision | Promise<Decision> => {
    // Treated as expired, so that an honest client refreshes and is bound anew.
    if (config.bind !== 'none' && (!visitor.binding || claims.cnf?.binding !== visitor.binding))
      return refuse('TOKEN_EXPIRED')
    // The view decides while it is provably fresh; the barrier of every revoking verb relies on that.
    if (config.revocation === 'view' && revocation.isFresh())
      return conclude('view', visitor, claims, revocation.view.verdict(claims))
    return askPrimary(visitor, claims)
  }

  const askPrimary = async (visitor: DeviceVisitor, claims: VerifiedClaims): Promise<Decision> => {
    try {
      return conclude('strict', visitor, claims, await strict.verdict(claims))
    } catch (error) {
      return outage(error)
    }
  }

  /**
   * Never by the view, which forgets a kill after an hour: by then no token of Annul's own can be live that the kill
   * concerns, but a former system's token may live for days.
   */
  const askAboutUser = async (visitor: DeviceVisitor, token: FormerToken): Promise<Decision> => {
    try {
      const { claims, refused } = judgeFormerToken(token, await strict.ofUser(token.userId), config.mfaRoles)
      return conclude('strict', visitor, claims, refused)
    } catch (error) {
      return outage(error)
    }
  }

  const conclude = (
    path: 'view' | 'strict',
    visitor: DeviceVisitor,
    claims: ViewerClaims,
    refused: Reason | undefined,
  ): Decision => {
    metrics.decided(path, refused ?? 'accepted')
    return refused ? unauthenticated(refused) : viewerOf(visitor, claims)
  }

  /** Refuses by the token alone. */
  const refuse = (reason: Reason): AuthError => {
    metrics.decided('token', reason)
    return unauthenticated(reason)
  }

  /** Whatever went wrong, nobody is signed out, and nobody is let in. */
  const outage = (error: unknown): AuthError => {
    if (!outageOf(error)) log.error({ err: error }, 'A decision failed.')
    metrics.decided('unavailable', 'UNAVAILABLE')
    return unavailable()
  }

  return { decide }
}

/** Copies member by member: spreading the visitor would take five times as long as the rest of a decision. */
function viewerOf(visitor: DeviceVisitor, claims: ViewerClaims): Viewer {
  const { ipAddress, userAgent, binding, newBinding, revoked } = visitor
  return {
    ipAddress,
    userAgent,
    binding,
    newBinding,
    revoked,
    userId: claims.sub,
    sessionId: claims.sid,
    roles: claims.roles,
    scopes: claims.scope === '' ? [] : claims.scope.split(' '),
    claims,
  }
}
