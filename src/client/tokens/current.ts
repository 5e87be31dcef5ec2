import { now } from '../platform/platform.ts'
import type { SessionState, SignedOutReason, Tokens } from '../types.ts'

/** The access token, which is in memory only: a script that is injected later finds no file to read it from. */
interface Access {
  readonly token: string
  /** On the monotonic clock. The token's own `exp` is database time, which the device's clock need not agree with. */
  readonly expiresAt: number
  /** When a refresh is due, so that requests under way do not arrive with a token that has expired. */
  readonly dueAt: number
  /** It proves a recent password (reauthenticate), which a refreshed one does not. */
  readonly elevated: boolean
}

/** Tokens that came in, here or in another tab: without the refresh token, but with its name, as Held has it. */
export interface Incoming extends Tokens {
  readonly refreshToken: null
  readonly about: string | undefined
}

/** What this tab knows. */
export interface Current {
  state: SessionState
  access: Access | undefined
  /** The refresh token that this tab last saw, as Held names it. */
  about: string | undefined
  sessionId: string | undefined
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

export function createCurrent(onSignedOut: ((reason: SignedOutReason) => void) | undefined): Current {
  const listeners = new Set<(state: SessionState) => void>()
  const show = (state: SessionState) => {
    if (JSON.stringify(state) === JSON.stringify(current.state)) return
    current.state = state
    // Each by itself: an error in the app's listener is the app's, and must not stop a sign-out half way.
    for (const listener of listeners) queueMicrotask(() => listener(state))
  }

  const current: Current = {
    state: { status: 'restoring', user: null, reason: null },
    access: undefined,
    about: undefined,
    sessionId: undefined,
    life: 0,
    fresh: () => current.access !== undefined && now() < current.access.dueAt,

    adopt(incoming) {
      if (current.sessionId !== incoming.session.id) {
        current.life++
        current.drop()
      }
      // Another tab's refresh must not take away what the user has just typed the password for.
      if (!current.access?.elevated || !current.fresh()) current.take(incoming, false)
      current.about = incoming.about
      current.sessionId = incoming.session.id
      show({ status: 'signedIn', user: incoming.user, reason: null })
    },

    take({ accessToken: token, expiresIn }, elevated) {
      const lifetimeMs = expiresIn * 1000
      const expiresAt = now() + lifetimeMs
      current.access = { token, expiresAt, dueAt: expiresAt - Math.min(15_000, lifetimeMs / 6), elevated }
    },

    drop(token) {
      if (!token || current.access?.token === token) current.access = undefined
    },

    end(reason) {
      if (current.state.status === 'signedOut') return
      current.life++
      current.access = current.sessionId = current.about = undefined
      show({ status: 'signedOut', user: null, reason })
      if (reason) queueMicrotask(() => onSignedOut?.(reason))
    },

    subscribe(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
  return current
}
