import { SessionError, unreachable } from '../error.ts'
import type { Channel } from '../platform/channel.ts'
import type { Lock } from '../platform/lock.ts'
import { backoff, sleep } from '../platform/time.ts'
import type { Send } from '../requests/sendOptions.ts'
import type { SignedOutReason, Tokens } from '../types.ts'
import type { Attempts } from './attempts.ts'
import type { LocalState } from './localState.ts'
import type { EndedSession, StoredToken, TokenStore } from './tokenStore.ts'

export interface Refresher {
  /**
   * Refreshes. All callers share the refresh that is running.
   *
   * @throws SessionError UNAVAILABLE, and any other error that does not end the session
   */
  refresh(): Promise<void>
  /** Begins a new refresh, after a running one has finished, so that copies of the present token become useless. */
  rotate(): Promise<void>
  /** For logout: stops the retries of the running refresh, so that it releases the lock. */
  abandon(): void
  /** Adopts new tokens, and tells the other tabs, without the refresh token: they read it from the storage. */
  share(given: Tokens, stored: StoredToken | undefined): void
}

/** The client's part of a refresh (see docs/client-inside.md). Each step covers one kind of accident. */
export function createRefresher(
  local: LocalState,
  store: TokenStore,
  attempts: Attempts,
  lock: Lock,
  channel: Channel,
  send: Send,
): Refresher {
  let running: Promise<void> | undefined
  let leaving: AbortController | undefined

  const share = (given: Tokens, stored: StoredToken | undefined) => {
    const tokens = { ...given, refreshToken: null, tokenName: stored?.tokenName }
    local.adopt(tokens)
    channel.tell({ tokens })
  }

  /** Ends the session if there is no token: another tab has signed out or learned of the end, or nobody was signed in. */
  const find = async (life: number) => {
    const { stored, ...ended } = await store.read()
    if (!stored && local.life === life) local.end(local.state.user && reasonOf(local, ended))
    return stored
  }

  /** Ends the session after a final refusal of its token, unless a newer login has replaced the token. */
  const refuse = async (stored: StoredToken, reason: SignedOutReason) => {
    const { life, sessionId } = local
    if (!(await store.end(reason, stored)) || local.life !== life) return false
    local.end(reason)
    // TOKEN_STALE is about one tab's outdated copy (a duplicated tab's sessionStorage), not about the session.
    channel.tell({
      tokenName: stored.tokenName,
      sessionId: reason === 'TOKEN_STALE' ? undefined : sessionId,
      reason,
    })
    return true
  }

  const underLock = async (force: boolean, signal: AbortSignal) => {
    let stale: string | undefined

    // Each further try means that another tab has changed the token during the try before.
    for (let tries = 0; tries < 5; tries++) {
      if (signal.aborted) return
      const { life, tokenName } = local
      const stored = await find(life)
      if (!stored) return

      // Another tab has refreshed while this tab waited for the lock. The other tab's message brings the access token:
      // waits for the message for a quarter of a second.
      const isOvertaken = !force && !tries && stored.tokenName !== tokenName
      for (let step = 0; isOvertaken && step < 25 && !local.fresh(); step++) await sleep(10)
      if (!force && local.fresh()) return

      // The attempt is kept before the token is sent: if the answer or this page is lost, the next try repeats it.
      const random = await attempts.claim(stored.tokenName)
      // If the token is still stored now, no tab has sent it with a different attempt: all tabs share the list of attempts.
      if ((await store.read()).stored?.tokenName !== stored.tokenName) continue

      try {
        const attempt = store.cookie ? `${stored.tokenName}.${random}` : random
        const variables = { refreshToken: stored.token, attempt }
        const tokens = await send<Tokens>('refresh', variables, { signal, repeatable: true })
        const next = await store.put(tokens, stored)
        // A logout or another login came first, in this tab (life) or in another tab (storage): the answer is outdated.
        if (!next || local.life !== life) continue
        if (force) local.drop()
        return share(tokens, next)
      } catch (error) {
        if (local.life !== life) continue
        if (!(error instanceof SessionError)) throw error
        const isStale = error.reason === 'TOKEN_STALE'
        if (error.recover === 'LOGIN' || (isStale && stale === stored.tokenName)) {
          if (await refuse(stored, error.reason as SignedOutReason)) return
        } else if (isStale) {
          // This tab, or the readable cookie, is behind. Reads again after a pause, in which the other tab can write.
          stale = stored.tokenName
          await sleep(backoff(0), signal)
        } else throw error
      }
    }
    throw unreachable('outrun')
  }

  const run = async (force: boolean) => {
    const { life } = local
    leaving = new AbortController()
    const { signal } = leaving
    const stored = await find(life)
    if (!stored) return
    local.tokenName ??= stored.tokenName
    await lock(() => underLock(force, signal))
  }
  const begin = (force: boolean) => {
    running ??= run(force).finally(() => {
      running = undefined
    })
    return running
  }

  return {
    refresh: () => begin(false),
    async rotate() {
      while (running) await running.catch(() => {})
      await begin(true)
    },
    abandon: () => leaving?.abort(),
    share,
  }
}

/**
 * Why this tab's session has ended: the reason that is kept in the token's place, unless it belongs to another session.
 *
 * @param otherwise the reason when none is kept, as after a logout
 */
export function reasonOf(
  local: LocalState,
  { reason, sessionId }: Partial<EndedSession>,
  otherwise: SignedOutReason = 'LOGGED_OUT',
): SignedOutReason {
  return reason && (!sessionId || sessionId === local.sessionId) ? reason : otherwise
}
