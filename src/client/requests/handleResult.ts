import { now } from '../platform/platform.ts'
import type { Parts, Refresher } from '../tokens/refresh.ts'
import { proveRenewal } from '../tokens/renewalProof.ts'
import type { Session } from '../types.ts'
import { errorsOf, isRefusal, mayRepeat } from './operation.ts'

/** What goes with the requests of guarded data, and what their answers mean. */
export function createResultHandler(
  { local, store }: Parts,
  refresher: Refresher,
  renew: boolean,
): Pick<Session, 'headers' | 'handleResult'> {
  /** In which life headers were given out. */
  const given = new WeakMap<object, number>()

  /** In cookie mode the browser adds the proof, which is the cookie. */
  const proofFor = async (accessToken: string) => {
    if (store.cookie) return '1'
    const { stored } = await store.read()
    return stored?.token && proveRenewal(stored.token, accessToken)
  }

  const headers = async () => {
    if (local.state.status !== 'signedOut' && !local.fresh())
      await refresher.refresh().catch(error => {
        // The server is away, but the token that we have is still good.
        if (!local.access || local.access.expiresAt < now()) throw error
      })
    const { access, life } = local
    const added: Record<string, string> = access ? bearer(access.token) : {}
    if (access && renew && now() >= access.renewAt) {
      const proof = await proofFor(access.token).catch(() => {})
      if (proof) added['annul-renew'] = proof
    }
    given.set(added, life)
    return added
  }

  /** A mutation that the app sent by itself, and that has succeeded: what the session's own method would have done. */
  const conclude = async (tokens: unknown, fields: string) => {
    // By their names, because an app may have access tokens of another kind.
    const [name] = /\b(changePassword|revokeOtherSessions|reauthenticate)\b/.exec(fields) ?? []
    const elevated = name === 'reauthenticate'
    if (name && isAccess(tokens)) local.take(tokens, elevated)
    // At once, so that copies of the old refresh token become useless. If it fails, the next request does it.
    if (name && !elevated) await refresher.rotate().catch(() => {})
  }

  return {
    headers,
    async handleResult(result, added, sent) {
      const results = [result].flat()
      const life = given.get(added)
      // Since then somebody has signed out or in: nothing in this answer is about the session of now.
      if (life !== local.life) return false

      const token = added.authorization?.slice('Bearer '.length)
      const [{ data, extensions } = {}] = results
      const renewed = extensions?.annul
      if (token && local.access?.token === token && isAccess(renewed))
        local.take(renewed, local.access.elevated)
      const done = Object.values(data ?? {}).find(Boolean)
      if (done && sent.kind === 'write') await conclude(done, sent.fields)

      if (!token || !errorsOf(results).some(isRefusal)) return false
      // Whatever the reason: only the refresh token's fate decides about the session. This device's own changePassword,
      // in another tab or with a lost answer, refuses its old access tokens with PASSWORD_CHANGED.
      local.drop(token)
      if (!local.fresh()) await refresher.refresh().catch(() => {})
      return local.life === life && local.access !== undefined && mayRepeat(results, sent)
    },
  }
}

/** RFC 6750, section 2.1. */
export const bearer = (accessToken: string) => ({ authorization: `Bearer ${accessToken}` })

function isAccess(value: unknown): value is { accessToken: string; expiresIn: number } {
  const { accessToken, expiresIn } = Object(value)
  return accessToken && expiresIn
}
