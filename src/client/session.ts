import { SessionError } from './error.ts'
import { readOptions } from './options.ts'
import { type Message, openChannel } from './platform/channel.ts'
import { createLock } from './platform/lock.ts'
import { openDeviceToken } from './requests/device.ts'
import { createFetch } from './requests/fetch.ts'
import { bearer, createResultHandler } from './requests/handleResult.ts'
import { createSend } from './requests/send.ts'
import { openAttempts } from './tokens/attempts.ts'
import { createLocalState } from './tokens/localState.ts'
import { createRefresher, type Parts, reasonOf, share } from './tokens/refresh.ts'
import { type StoredState, storeInCookie, storeInStorage } from './tokens/tokenStore.ts'
import type { Session, SessionOptions, SessionUser, Tokens } from './types.ts'

/**
 * Creates the session of this browser, app or process with an Annul server. The session signs in and out, and keeps the
 * access token fresh. Create one session for each page or app.
 *
 * @throws TypeError for options that cannot work
 * @example
 * const session = createSession({ endpoint: '/graphql', onSignedOut: reason => router.push(`/login?why=${reason}`) })
 * await session.login({ email, password })
 * const response = await session.fetch('/graphql', { method: 'POST', headers, body })
 */
export function createSession(options: SessionOptions): Session {
  const config = readOptions(options)
  const { storage, key } = config
  const name = `annul:${config.endpoint}:${key}`
  const local = createLocalState(options.onSignedOut)
  const isCookie = storage === 'cookie'
  const owner = isCookie ? new Map<string, string>() : storage
  const attempts = openAttempts(owner, key)
  const store = isCookie ? storeInCookie(attempts, local) : storeInStorage(storage, key, local)

  const receive = async (message: Message) => {
    const { life } = local
    const names = [local.tokenName, local.sessionId]
    if (message.tokens) {
      const { stored } = await store.read()
      if (stored?.tokenName === message.tokens.tokenName && life === local.life) local.adopt(message.tokens)
    } else if (names.some(name => name && (name === message.tokenName || name === message.sessionId))) {
      // Every tab tells the reason that was kept first: the message of a logout may overtake the message of a theft.
      const { ended } = await store.read().catch((): StoredState => ({}))
      if (life !== local.life) return
      refresher.abandon()
      local.end(reasonOf(local, ended, message.reason))
    }
  }
  const channel = openChannel(config.shared ? name : undefined, receive)
  const device = openDeviceToken(config)
  const send = createSend(config, device)
  const parts: Parts = { local, store, attempts, channel, send, lock: createLock(name, owner) }
  const refresher = createRefresher(parts)
  const guarded = createResultHandler(parts, refresher, config.renew)
  const sessionFetch = createFetch(guarded, config, device)

  let logouts = 0
  const tellServer = async (refreshToken: string | null | undefined, accessToken: string | undefined) => {
    const headers = accessToken ? bearer(accessToken) : {}
    try {
      await send('logout', { refreshToken }, { headers, keepalive: true, repeatable: true })
      return true
    } catch (error) {
      // The server does not know the token: there is nothing to end.
      return (error as SessionError).recover === 'LOGIN'
    }
  }

  /** Login, register and reset: the new session replaces the present one. */
  const open = (field: 'login' | 'register' | 'resetPassword', given: object) => {
    const before = logouts
    return parts.lock(async (): Promise<SessionUser | null> => {
      const input = store.cookie ? { ...given, cookie: true } : given
      const tokens = await send<Tokens | null>(field, { input }, { repeatable: field === 'login' })
      if (!tokens) return null
      if (before !== logouts) {
        // The user has logged out while this request was under way, and must stay logged out.
        await tellServer(tokens.refreshToken, tokens.accessToken)
        throw new SessionError('Signed out.', {
          code: 'UNAUTHENTICATED',
          reason: 'LOGGED_OUT',
          recover: 'LOGIN',
        })
      }
      share(parts, tokens, await store.put(tokens))
      return tokens.user
    })
  }

  /** A guarded mutation. `handleResult` takes the tokens from its answer. */
  const call = async (
    field: 'changePassword' | 'revokeOtherSessions' | 'reauthenticate',
    variables: object,
  ) => (await send<Tokens>(field, variables, { fetch: sessionFetch })).user

  return {
    get state() {
      return local.state
    },
    get user() {
      return local.state.user
    },
    ready: refresher
      .refresh()
      .catch(() => {})
      .then(() => local.state),
    // Field by field: an app may pass a whole form, and GraphQL refuses unknown fields.
    login: ({ email, password }) => open('login', { email, password }) as Promise<SessionUser>,
    register: ({ email, password }) => open('register', { email, password }),
    resetPassword: ({ token, newPassword }) =>
      open('resetPassword', { token, newPassword }) as Promise<SessionUser>,

    logout() {
      logouts++
      const { access, tokenName, sessionId } = local
      // This tab is signed out at once, without the lock. The lock is requested synchronously, so that a login that
      // follows runs after the logout, and the answer of the logout can't clear the login's cookies.
      refresher.abandon()
      local.end('LOGGED_OUT')
      channel.tell({ tokenName, sessionId, reason: 'LOGGED_OUT' })
      const removing = store.end('LOGGED_OUT')
      removing.catch(() => {})
      return parts.lock(async () => {
        const stored = await removing
        // In cookie mode the browser sends its present cookie. If another tab has signed in, its session must not end.
        if (store.cookie && (await store.read()).stored) return false
        if (!stored && !access) return true
        return tellServer(stored?.token, access?.token)
      })
    },

    changePassword: ({ currentPassword, newPassword }) =>
      call('changePassword', { input: { currentPassword, newPassword } }),
    revokeOtherSessions: () => call('revokeOtherSessions', {}),
    reauthenticate: password => call('reauthenticate', { password }),
    refresh: async () => {
      await refresher.rotate()
      return local.state
    },
    forgetAccessToken: () => local.drop(),
    fetch: sessionFetch,
    ...guarded,
    subscribe: local.subscribe,
    close: channel.close,
  }
}
