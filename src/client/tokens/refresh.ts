import { SessionError, unreachable } from '../error.ts'
import type { Channel } from '../platform/channel.ts'
import type { Lock } from '../platform/lock.ts'
import { backoff, sleep } from '../platform/time.ts'
import type { Send } from '../requests/send.ts'
import type { SignedOutReason, Tokens } from '../types.ts'
import type { Attempts } from './attempts.ts'
import type { LocalState } from './localState.ts'
import type { EndedSession, StoredToken, TokenStore } from './tokenStore.ts'

export interface Parts {
  readonly local: LocalState
  readonly store: TokenStore
  readonly attempts: Attempts
  readonly lock: Lock
  readonly channel: Channel
  readonly send: Send
}

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
}

/** How long to wait for another tab's message after that tab has released the lock, in steps of 10 ms. */
const messageSteps = 25
/** Each further try means that another tab has changed the token during the try before. */
const maxTries = 5

/** The client's part of a refresh (see docs/client-inside.md). Each step covers one kind of accident. */
export function createRefresher(parts: Parts): Refresher {
  const { local, store, lock } = parts
  let running: Promise<void> | undefined
  let leaving = new AbortController()

  const run = async (force: boolean) => {
    const { life } = local
    const { signal } = leaving
    const { stored, ended } = await store.read()
    if (!stored) return lost(local, life, ended)
    local.tokenName ??= stored.tokenName
    await lock(() => underLock(parts, force, signal))
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
    abandon() {
      leaving.abort()
      leaving = new AbortController()
    },
  }
}

async function underLock(parts: Parts, force: boolean, signal: AbortSignal): Promise<void> {
  const { local, store, attempts, send } = parts
  let stale: string | undefined

  for (let tries = 0; tries < maxTries; tries++) {
    if (signal.aborted) return
    const { life, tokenName } = local
    const { stored, ended } = await store.read()
    if (!stored) return lost(local, life, ended)

    // Another tab has refreshed while this tab waited for the lock. The other tab's message brings the access token.
    const isOvertaken = !force && !tries && stored.tokenName !== tokenName
    for (let step = 0; isOvertaken && step < messageSteps && !local.fresh(); step++) await sleep(10)
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
      return share(parts, tokens, next)
    } catch (error) {
      if (local.life !== life) continue
      if (!(error instanceof SessionError)) throw error
      const isStale = error.reason === 'TOKEN_STALE'
      if (error.recover === 'LOGIN' || (isStale && stale === stored.tokenName)) {
        if (await refuse(parts, stored, error.reason as SignedOutReason)) return
      } else if (isStale) {
        // This tab, or the readable cookie, is behind. Reads again after a pause, in which the other tab can write.
        stale = stored.tokenName
        await sleep(backoff(0), signal)
      } else throw error
    }
  }
  throw unreachable('Other tabs kept changing the session.')
}

/** Adopts new tokens, and tells the other tabs, without the refresh token: they read it from the storage. */
export function share({ local, channel }: Parts, given: Tokens, stored: StoredToken | undefined): void {
  const tokens = { ...given, refreshToken: null, tokenName: stored?.tokenName }
  local.adopt(tokens)
  channel.tell({ tokens })
}

/** Ends the session after a final refusal of its token, unless a newer login has replaced the token. */
async function refuse(
  { local, store, channel }: Parts,
  stored: StoredToken,
  reason: SignedOutReason,
): Promise<boolean> {
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

/** There is no refresh token: another tab has signed out or learned of the end, or nobody was signed in. */
function lost(local: LocalState, life: number, ended: EndedSession | undefined): void {
  if (local.life === life) local.end(local.state.user && reasonOf(local, ended))
}

/**
 * Why this tab's session has ended: the reason that is kept in the token's place, unless it belongs to another session.
 *
 * @param otherwise the reason when none is kept, as after a logout
 */
export function reasonOf(
  { sessionId }: LocalState,
  ended: EndedSession | undefined,
  otherwise: SignedOutReason = 'LOGGED_OUT',
): SignedOutReason {
  return ended && (ended.sessionId || sessionId) === sessionId ? ended.reason : otherwise
}
