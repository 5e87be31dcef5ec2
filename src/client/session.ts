import { SessionError } from './error.ts'
import { readOptions } from './options.ts'
import { type Message, openChannel } from './platform/channel.ts'
import { createLock } from './platform/lock.ts'
import { createFetch } from './requests/fetch.ts'
import { createSend } from './requests/send.ts'
import { bearer, createSettle } from './requests/settle.ts'
import { openAttempts } from './tokens/attempts.ts'
import { createCurrent } from './tokens/current.ts'
import { holdInCookie, holdInStorage } from './tokens/holder.ts'
import { createRefresher, type Parts, share } from './tokens/refresh.ts'
import type { Session, SessionOptions, SessionUser, Tokens } from './types.ts'

/**
 * The session of this browser, app or process with an Annul server: signs in and out, and keeps the access token fresh
 * for whoever sends requests. One for each page or app.
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
  const current = createCurrent(options.onSignedOut)
  const isCookie = storage === 'cookie'
  const owner = isCookie ? new Map<string, string>() : storage
  const attempts = openAttempts(owner, key)
  const holder = isCookie ? holdInCookie(attempts) : holdInStorage(storage, key)

  const receive = async (message: Message) => {
    const { life } = current
    const names = [current.about, current.sessionId]
    if (message.tokens) {
      const held = await holder.read()
      if (held?.about === message.tokens.about && life === current.life) current.adopt(message.tokens)
    } else if (names.some(name => name && (name === message.about || name === message.sessionId))) {
      refresher.abandon()
      current.end(message.reason)
    }
  }
  const channel = openChannel(config.shared ? name : undefined, receive)
  const send = createSend(config)
  const parts: Parts = { current, holder, attempts, channel, send, lock: createLock(name, owner) }
  const refresher = createRefresher(parts)
  const guarded = createSettle(parts, refresher, config.renew)
  const sessionFetch = createFetch(guarded, config)

  let logouts = 0
  const tellServer = async (refreshToken: string | null | undefined, accessToken: string | undefined) => {
    const headers = accessToken ? bearer(accessToken) : {}
    try {
      await send('logout', { refreshToken }, { headers, keepalive: true, repeatable: true })
      return true
    } catch (error) {
      // A token that it does not know needs no ending.
      return (error as SessionError).recover === 'LOGIN'
    }
  }

  /** Login, register and reset: another session takes the place of the one that is here. */
  const open = (field: 'login' | 'register' | 'resetPassword', given: object) => {
    const before = logouts
    return parts.lock(async (): Promise<SessionUser | null> => {
      const input = holder.cookie ? { ...given, cookie: true } : given
      const tokens = await send<Tokens | null>(field, { input }, { repeatable: field === 'login' })
      if (!tokens) return null
      if (before !== logouts) {
        // The user has logged out while this was under way, and wants to stay so.
        await tellServer(tokens.refreshToken, tokens.accessToken)
        throw new SessionError('Signed out.', {
          code: 'UNAUTHENTICATED',
          reason: 'LOGGED_OUT',
          recover: 'LOGIN',
        })
      }
      share(parts, tokens, await holder.put(tokens))
      return tokens.user
    })
  }

  /** A guarded mutation. What its tokens mean, `settle` knows. */
  const call = async (
    field: 'changePassword' | 'revokeOtherSessions' | 'reauthenticate',
    variables: object,
  ) => (await send<Tokens>(field, variables, { fetch: sessionFetch })).user

  return {
    get state() {
      return current.state
    },
    get user() {
      return current.state.user
    },
    ready: refresher
      .refresh()
      .catch(() => {})
      .then(() => current.state),
    // Field by field, because an app may hand over a whole form, and GraphQL refuses what it does not know.
    login: ({ email, password }) => open('login', { email, password }) as Promise<SessionUser>,
    register: ({ email, password }) => open('register', { email, password }),
    resetPassword: ({ token, newPassword }) =>
      open('resetPassword', { token, newPassword }) as Promise<SessionUser>,

    logout() {
      logouts++
      const { access, about, sessionId } = current
      // Here at once, whoever holds the lock; and the lock is asked for in the same breath, so that a login that
      // follows comes after us, with its cookies safe from the clearing answer.
      refresher.abandon()
      current.end('LOGGED_OUT')
      channel.tell({ about, sessionId, reason: 'LOGGED_OUT' })
      const removing = holder.end()
      removing.catch(() => {})
      return parts.lock(async () => {
        const held = await removing
        // In cookie mode the browser adds the cookie it has now: not for us, if another tab has signed in.
        if (holder.cookie && (await holder.read())) return false
        if (!held && !access) return true
        return tellServer(held?.token, access?.token)
      })
    },

    changePassword: ({ currentPassword, newPassword }) =>
      call('changePassword', { input: { currentPassword, newPassword } }),
    revokeOtherSessions: () => call('revokeOtherSessions', {}),
    reauthenticate: password => call('reauthenticate', { password }),
    refresh: async () => {
      await refresher.rotate()
      return current.state
    },
    fetch: sessionFetch,
    headers: guarded.headers,
    settle: guarded.settle,
    subscribe: current.subscribe,
    close: channel.close,
  }
}
