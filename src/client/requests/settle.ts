import { now } from '../platform/platform.ts'
import type { Parts, Refresher } from '../tokens/refresh.ts'
import type { Session, SignedOutReason } from '../types.ts'
import { isRefusal, mayRepeat } from './operation.ts'

/** What goes with the requests of guarded data, and what their answers mean. */
export function createSettle(
  { current }: Parts,
  refresher: Refresher,
  renew: boolean,
): Pick<Session, 'headers' | 'settle'> {
  /** In which life headers were given out. */
  const given = new WeakMap<object, number>()

  const headers = async () => {
    if (current.state.status !== 'signedOut' && !current.fresh())
      await refresher.refresh().catch(error => {
        // The server is away, but the token that we have is still good.
        if (!current.access || current.access.expiresAt < now()) throw error
      })
    const { access, life } = current
    const added: Record<string, string> = access ? bearer(access.token) : {}
    if (access && renew) added['annul-renew'] = '1'
    given.set(added, life)
    return added
  }

  /** A mutation that the app sent by itself, and that has succeeded: what the session's own method would have done. */
  const conclude = async (tokens: unknown, fields: string) => {
    // By their names, because an app may have access tokens of another kind.
    const [name] = /\b(changePassword|revokeOtherSessions|reauthenticate)\b/.exec(fields) ?? []
    const elevated = name === 'reauthenticate'
    if (name && isAccess(tokens)) current.take(tokens, elevated)
    // At once, so that copies of the old refresh token become useless. If it fails, the next request does it.
    if (name && !elevated) await refresher.rotate().catch(() => {})
  }

  return {
    headers,
    async settle(result, added, sent) {
      const results = [result].flat()
      const life = given.get(added)
      // Since then somebody has signed out or in: nothing in this answer is about the session of now.
      if (life !== current.life) return false

      const token = added.authorization?.slice('Bearer '.length)
      const [{ data, extensions } = {}] = results
      const renewed = extensions?.annul
      if (isAccess(renewed) && current.access && current.access.token === token)
        current.take(renewed, current.access.elevated)
      const done = Object.values(data ?? {}).find(value => value)
      if (done && sent.kind === 'write') await conclude(done, sent.fields)

      const refusal = results.flatMap(({ errors }) => errors ?? []).find(isRefusal)
      if (!refusal || !token) return false
      // Whatever the reason: only the refresh token's fate decides about the session. This device's own changePassword,
      // in another tab or with a lost answer, refuses its old access tokens with PASSWORD_CHANGED.
      current.drop(token)
      if (!current.fresh())
        await refresher.refresh(refusal.extensions?.reason as SignedOutReason).catch(() => {})
      return current.life === life && current.access !== undefined && mayRepeat(results, sent)
    },
  }
}

/** RFC 6750, section 2.1. */
export const bearer = (accessToken: string) => ({ authorization: `Bearer ${accessToken}` })

function isAccess(value: unknown): value is { accessToken: string; expiresIn: number } {
  const { accessToken, expiresIn } = Object(value)
  return accessToken && expiresIn
}
