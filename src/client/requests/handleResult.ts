import { now } from '../platform/platform.ts'
import type { LocalState } from '../tokens/localState.ts'
import type { Refresher } from '../tokens/refresh.ts'
import { proveRenewal } from '../tokens/renewalProof.ts'
import type { TokenStore } from '../tokens/tokenStore.ts'
import type { Session } from '../types.ts'
import { errorsOf, isRefusal, mayRepeat, wantsProof } from './operation.ts'
import type { StepUp } from './stepUp.ts'

/** The headers of requests for guarded data, and the handling of the answers. */
export function createResultHandler(
  local: LocalState,
  store: TokenStore,
  refresher: Refresher,
  renew: boolean | undefined,
  stepUp: StepUp,
): Pick<Session, 'headers' | 'handleResult'> {
  /** The `life` in which each headers object was made. */
  const given = new WeakMap<object, number>()

  /** The value of `annul-renew`. In cookie mode the cookie is the proof, and the browser adds it. */
  const proofFor = async (accessToken: string) =>
    store.cookie ? '1' : proveRenewal((await store.read()).stored?.token, accessToken)

  const headers = async () => {
    if (local.state.status !== 'signedOut' && !local.fresh())
      await refresher.refresh().catch(error => {
        // The server can't be reached, but the present token has not expired.
        if (!(now() < (local.access?.expiresAt as number))) throw error
      })
    const { access, life } = local
    const added = bearer(access?.token)
    if (access && renew && now() >= access.renewAt) {
      const proof = await proofFor(access.token).catch(() => {})
      if (proof) added['annul-renew'] = proof
    }
    given.set(added, life)
    return added
  }

  /** After a successful mutation that the app sent by itself: does what the session's own method would have done. */
  const conclude = async (tokens: unknown, fields: string) => {
    // Found by the mutation's name, because an app may have access tokens of another kind.
    const [name, proves, byFactor] =
      /\b(?:changePassword|revokeOtherSessions|(reauthenticate)(With)?)\b/.exec(fields) ?? []
    if (!name) return
    local.take(tokens, byFactor ? 2 : proves ? 1 : 0)
    // Refreshes at once, so that copies of the old refresh token become useless. After a failure the next request does.
    if (!proves) await refresher.rotate().catch(() => {})
  }

  return {
    headers,
    async handleResult(result, added, sent) {
      const results = [result].flat()
      const life = given.get(added)
      // Since the request was sent, a session has ended or begun: the answer is not about the present session.
      if (life !== local.life) return false

      const token = added.authorization?.slice('Bearer '.length)
      const [{ data, extensions } = {}] = results
      if (token && local.access?.token === token) local.take(extensions?.annul, local.access.proof)
      const done = Object.values(data ?? {}).find(Boolean)
      if (done && sent.kind === 'write') await conclude(done, sent.fields)

      if (!token) return false
      if (!errorsOf(results).some(isRefusal)) {
        const wanted = errorsOf(results).filter(wantsProof)
        const mayAsk = wanted.length > 0 && !sent.final && mayRepeat(results, sent)
        return mayAsk && (await stepUp(token, wanted)) && local.life === life
      }
      // The refusal's reason does not matter here: only a refused refresh token ends the session. For example, after
      // changePassword on this device (in another tab, or with a lost answer) the server refuses this device's old
      // access tokens with PASSWORD_CHANGED, and the session lives on.
      local.drop(token)
      if (!local.fresh()) await refresher.refresh().catch(() => {})
      return local.life === life && !!local.access && mayRepeat(results, sent)
    },
  }
}

/** RFC 6750, section 2.1. */
export const bearer = (accessToken: string | undefined): Record<string, string> =>
  accessToken ? { authorization: `Bearer ${accessToken}` } : {}
