import { now } from '../platform/platform.ts'
import type { SessionState, SignedOutReason, Tokens } from '../types.ts'

/** The access token. In memory only, so that a script that is injected later finds it in no storage. */
interface Access {
  readonly token: string
  /** On the monotonic clock. The token's `exp` is database time, and the device's clock may differ from that. */
  readonly expiresAt: number
  /** When a refresh is due: before `expiresAt`, so that requests under way do not arrive with an expired token. */
  readonly dueAt: number
  /** From when on the server renews the token: in the last third of the token's life. */
  readonly renewAt: number
  /** What the user has proved for this token. A refreshed token proves less. */
  readonly proof: Proof
}

/** 1: the password (reauthenticate). 2: a second factor (reauthenticateWith). */
export type Proof = 0 | 1 | 2

/** Tokens that this tab or another tab has received. The refresh token itself is left out; its name is given. */
export interface Incoming extends Tokens {
  readonly refreshToken: null
  readonly tokenName: string | undefined
}

/** The session as this tab (or app or process) knows it. */
export interface LocalState {
  state: SessionState
  access?: Access | undefined
  /** The name of the refresh token that this tab last saw (see StoredToken). */
  tokenName?: string | undefined
  sessionId?: string | undefined
  /** Changes when a session begins or ends, so that answers to earlier requests are recognised as outdated. */
  life: number
  /** Whether there is an access token that needs no refresh. */
  fresh(): boolean
  adopt(incoming: Incoming): void
  /** Takes a new access token for the present session. Does nothing if it is no token. */
  take(token: unknown, proof?: Proof): void
  /** Forgets this access token, because the server has refused it. Without an argument: forgets any. */
  drop(token?: string): void
  /** Ends the session, and tells the app the reason, if there is one. Later calls do nothing. */
  end(reason: SignedOutReason | null): void
  subscribe(listener: (state: SessionState) => void): () => void
}

export function createLocalState(onSignedOut: ((reason: SignedOutReason) => void) | undefined): LocalState {
  const listeners = new Set<(state: SessionState) => void>()
  const show = (state: SessionState) => {
    if (JSON.stringify(state) === JSON.stringify(local.state)) return
    local.state = state
    // Each listener in a microtask of its own: an error in one must not stop a sign-out half way.
    for (const listener of listeners) queueMicrotask(() => listener(state))
  }

  const local: LocalState = {
    state: { status: 'restoring', user: null, reason: null },
    life: 0,
    // Nothing is less than undefined.
    fresh: () => now() < (local.access?.dueAt as number),

    adopt(incoming) {
      if (local.sessionId !== incoming.session.id) {
        local.life++
        local.drop()
      }
      // Another tab's refresh must not replace the token for which the user has just typed the password.
      if (!local.access?.proof || !local.fresh()) local.take(incoming)
      local.tokenName = incoming.tokenName
      local.sessionId = incoming.session.id
      show({ status: 'signedIn', user: incoming.user, reason: null })
    },

    take(given, proof = 0) {
      const { accessToken: token, expiresIn } = Object(given)
      if (!token || !expiresIn) return
      const lifetimeMs = expiresIn * 1000
      const expiresAt = now() + lifetimeMs
      const dueAt = expiresAt - Math.min(15_000, lifetimeMs / 6)
      local.access = { token, expiresAt, dueAt, renewAt: expiresAt - lifetimeMs / 3, proof }
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
