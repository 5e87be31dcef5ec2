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
   * One refresh for everybody who asks while it runs.
   *
   * @throws SessionError UNAVAILABLE and what else says nothing about the session, which then stays
   */
  refresh(): Promise<void>
  /** A refresh that begins now, after the one that may be running: copies of the present token shall become useless. */
  rotate(): Promise<void>
  /** Logout: the refresh that runs is no longer wanted, and need not hold the lock for its retries. */
  abandon(): void
}

/** How long another tab's message may take after its lock was released, in steps of 10 ms. */
const messageSteps = 25
/** In each try but the last, another tab changed the token meanwhile. */
const maxTries = 5

/** The client's half of "Refresh" in docs/client.md: every step is there to survive one kind of accident. */
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

    // Another tab has refreshed while we waited for the lock: its message brings the access token.
    const isOvertaken = !force && !tries && stored.tokenName !== tokenName
    for (let step = 0; isOvertaken && step < messageSteps && !local.fresh(); step++) await sleep(10)
    if (!force && local.fresh()) return

    // The attempt is kept before the token is sent: if the answer or this page is lost, the next try repeats it.
    const random = await attempts.claim(stored.tokenName)
    // If the token is still there now, nobody has sent it with another attempt: they would have found ours, or we theirs.
    if ((await store.read()).stored?.tokenName !== stored.tokenName) continue

    try {
      const attempt = store.cookie ? `${stored.tokenName}.${random}` : random
      const variables = { refreshToken: stored.token, attempt }
      const tokens = await send<Tokens>('refresh', variables, { signal, repeatable: true })
      const next = await store.put(tokens, stored)
      // A logout or another login came first, here (life) or in another tab (storage): this answer is of the past.
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
        // We, or the readable cookie, are behind: read again, once the tab that is ahead had time to write.
        stale = stored.tokenName
        await sleep(backoff(0), signal)
      } else throw error
    }
  }
  throw unreachable('Other tabs kept changing the session.')
}

/** New tokens: for this tab, and without the refresh token for the others, which find that in the storage. */
export function share({ local, channel }: Parts, given: Tokens, stored: StoredToken | undefined): void {
  const tokens = { ...given, refreshToken: null, tokenName: stored?.tokenName }
  local.adopt(tokens)
  channel.tell({ tokens })
}

/** The server's last word on a token ends the session here, unless a newer login has taken the token's place. */
async function refuse(
  { local, store, channel }: Parts,
  stored: StoredToken,
  reason: SignedOutReason,
): Promise<boolean> {
  const { life, sessionId } = local
  if (!(await store.end(reason, stored)) || local.life !== life) return false
  local.end(reason)
  // A tab with an outdated copy of its own (a duplicated tab's sessionStorage) does not speak for the session.
  channel.tell({
    tokenName: stored.tokenName,
    sessionId: reason === 'TOKEN_STALE' ? undefined : sessionId,
    reason,
  })
  return true
}

/** There is no refresh token: another tab signed out or heard of the end, or nobody was signed in. */
function lost(local: LocalState, life: number, ended: EndedSession | undefined): void {
  if (local.life === life) local.end(local.state.user && reasonOf(local, ended))
}

/**
 * Why this tab's session has ended: what is kept in the token's place, unless that is of another session.
 *
 * @param otherwise where nothing is kept, as after a logout
 */
export function reasonOf(
  { sessionId }: LocalState,
  ended: EndedSession | undefined,
  otherwise: SignedOutReason = 'LOGGED_OUT',
): SignedOutReason {
  return ended && (ended.sessionId || sessionId) === sessionId ? ended.reason : otherwise
}
