import { now } from '../platform/platform.ts'
import type { SessionState, SignedOutReason, Tokens } from '../types.ts'

/** The access token, which is in memory only: a script that is injected later finds no file to read it from. */
interface Access {
  readonly token: string
  /** On the monotonic clock. The token's own `exp` is database time, which the device's clock need not agree with. */
  readonly expiresAt: number
  /** When a refresh is due, so that requests under way do not arrive with a token that has expired. */
  readonly dueAt: number
  /** From when on the server renews it: in the last third of its life. */
  readonly renewAt: number
  /** It proves a recent password (reauthenticate), which a refreshed one does not. */
  readonly elevated: boolean
}

/** Tokens that came in, here or in another tab: without the refresh token, but with its name, as StoredToken has it. */
export interface Incoming extends Tokens {
  readonly refreshToken: null
  readonly tokenName: string | undefined
}

/** What this tab knows. */
export interface LocalState {
  state: SessionState
  access?: Access | undefined
  /** The refresh token that this tab last saw, as StoredToken names it. */
  tokenName?: string | undefined
  sessionId?: string | undefined
  /** Changes when another session begins or this one ends: what was asked in an earlier life is not for this one. */
  life: number
  /** Whether there is an access token that needs no refresh. */
  fresh(): boolean
  adopt(incoming: Incoming): void
  /** A new access token for the session that is here. */
  take(token: Pick<Tokens, 'accessToken' | 'expiresIn'>, elevated: boolean): void
  /** The server refused this access token (or, without one, whichever there is): nobody sends it again. */
  drop(token?: string): void
  /** The session is over; with a reason, the app is told. Only once: what comes later finds it ended. */
  end(reason: SignedOutReason | null): void
  subscribe(listener: (state: SessionState) => void): () => void
}

export function createLocalState(onSignedOut: ((reason: SignedOutReason) => void) | undefined): LocalState {
  const listeners = new Set<(state: SessionState) => void>()
  const show = (state: SessionState) => {
    if (JSON.stringify(state) === JSON.stringify(local.state)) return
    local.state = state
    // Each by itself: an error in the app's listener is the app's, and must not stop a sign-out half way.
    for (const listener of listeners) queueMicrotask(() => listener(state))
  }

  const local: LocalState = {
    state: { status: 'restoring', user: null, reason: null },
    life: 0,
    fresh: () => local.access !== undefined && now() < local.access.dueAt,

    adopt(incoming) {
      if (local.sessionId !== incoming.session.id) {
        local.life++
        local.drop()
      }
      // Another tab's refresh must not take away what the user has just typed the password for.
      if (!local.access?.elevated || !local.fresh()) local.take(incoming, false)
      local.tokenName = incoming.tokenName
      local.sessionId = incoming.session.id
      show({ status: 'signedIn', user: incoming.user, reason: null })
    },

    take({ accessToken: token, expiresIn }, elevated) {
      const lifetimeMs = expiresIn * 1000
      const expiresAt = now() + lifetimeMs
      const dueAt = expiresAt - Math.min(15_000, lifetimeMs / 6)
      local.access = { token, expiresAt, dueAt, renewAt: expiresAt - lifetimeMs / 3, elevated }
    },

    drop(token) {
      if (!token || local.access?.token === token) local.access = undefined
    },

    end(reason) {
      if (local.state.status === 'signedOut') return
      local.life++
      local.access = local.sessionId = local.tokenName = undefined
      show({ status: 'signedOut', user: null, reason })
      if (reason) queueMicrotask(() => onSignedOut?.(reason))
    },

    subscribe(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
  return local
}
