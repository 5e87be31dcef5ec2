import { SessionError } from './error.ts'
import { readOptions } from './options.ts'
import { type Message, openChannel } from './platform/channel.ts'
import { createLock } from './platform/lock.ts'
import { type FactorAnswer, type StepUpAnswer, untilRight } from './questions.ts'
import { openDevice } from './requests/device.ts'
import type { OwnMutation } from './requests/documents.ts'
import { createFetch } from './requests/fetch.ts'
import { bearer, createResultHandler } from './requests/handleResult.ts'
import { createSend } from './requests/send.ts'
import { createStepUp } from './requests/stepUp.ts'
import { openAttempts } from './tokens/attempts.ts'
import { createLocalState } from './tokens/localState.ts'
import { createRefresher, reasonOf } from './tokens/refresh.ts'
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
  const { storage, key, onFactor, onStepUp } = config
  const name = `annul:${config.endpoint}:${key}`
  const local = createLocalState(config.onSignedOut)
  const isCookie = storage === 'cookie'
  const owner = isCookie ? new Map<string, string>() : storage
  const attempts = openAttempts(owner, key)
  const store = isCookie ? storeInCookie(attempts, local) : storeInStorage(storage, key, local)

  const receive = async (message: Message) => {
    const { life, tokenName, sessionId } = local
    const { stored, ...ended } = await store.read().catch((): StoredState => ({}))
    if (life !== local.life) return
    if (message.tokens) {
      if (stored?.tokenName === message.tokens.tokenName) local.adopt(message.tokens)
    } else if (
      (tokenName && tokenName === message.tokenName) ||
      (sessionId && sessionId === message.sessionId)
    ) {
      // Every tab tells the reason that was kept first: the message of a logout may overtake the message of a theft.
      refresher.abandon()
      local.end(reasonOf(local, ended, message.reason))
    }
  }
  // The default storage, memory, is shared with no other tab.
  const channel = openChannel(options.storage || isCookie ? name : undefined, receive)
  const device = openDevice(config)
  const send = createSend(config, device)
  const lock = createLock(name, owner)
  const refresher = createRefresher(local, store, attempts, lock, channel, send)
  const prove = (answer: StepUpAnswer) =>
    'password' in answer ? reauthenticate(answer.password) : reauthenticateWith(answer)
  const stepUp = createStepUp(local, onStepUp, prove)
  const guarded = createResultHandler(local, store, refresher, config.renew, stepUp)
  const sessionFetch = createFetch(guarded, config, device)

  let logouts = 0
  const tellServer = (refreshToken: string | null | undefined, accessToken: string | undefined) =>
    send(
      'logout',
      { refreshToken },
      { selection: '', headers: bearer(accessToken), keepalive: true, repeatable: true },
    ).then(
      () => true,
      // LOGIN: the server does not know the token, so there is nothing to end.
      (error: SessionError) => error.recover === 'LOGIN',
    )

  /**
   * The new session replaces the present one.
   *
   * @param before the number of logouts when the user began to sign in
   */
  const open = (field: OwnMutation, given: object, before = logouts) =>
    lock(async (): Promise<SessionUser | null> => {
      const input = { ...given, cookie: store.cookie }
      const isWanted = () => before === logouts
      const tokens =
        isWanted() && (await send<Tokens | null>(field, { input }, { repeatable: field === 'login' }))
      if (isWanted()) {
        if (!tokens) return null
        refresher.share(tokens, await store.put(tokens))
        return tokens.user
      }
      // The user has logged out while this request was under way, and must stay logged out.
      if (tokens) await tellServer(tokens.refreshToken, tokens.accessToken)
      throw new SessionError('Signed out.', {
        code: 'UNAUTHENTICATED',
        reason: 'LOGGED_OUT',
        recover: 'LOGIN',
      })
    })

  /** Opens a session, with a second factor if it takes one. No lock is held while the user looks for a code. */
  const signIn = (field: OwnMutation, given: object) => {
    const before = logouts
    return open(field, given).catch(async (required: SessionError) => {
      const { challenge, methods } = Object(required.extensions)
      const user =
        onFactor &&
        challenge &&
        (await untilRight(
          error => onFactor({ challenge, methods, error }),
          factor => open('completeLogin', { challenge, factor }, before),
        ))
      if (!user) throw required
      return user
    }) as Promise<SessionUser>
  }

  /** A guarded mutation. `handleResult` takes the tokens from its answer. */
  const call = async (field: OwnMutation, variables: object) =>
    (await send<Tokens>(field, variables, { fetch: sessionFetch })).user
  const reauthenticate = (password: string) => call('reauthenticate', { password })
  const reauthenticateWith = (input: FactorAnswer) => call('reauthenticateWith', { input })

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
    login: ({ email, password }) => signIn('login', { email, password }),
    register: ({ email, password }) => open('register', { email, password }),
    resetPassword: ({ token, newPassword }) => signIn('resetPassword', { token, newPassword }),
    completeLogin: input => signIn('completeLogin', input),
    passkeyLogin: input => signIn('passkeyLogin', input),

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
      return lock(async () => {
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
    reauthenticate,
    reauthenticateWith,
    refresh: () => refresher.rotate().then(() => local.state),
    forgetAccessToken: () => local.drop(),
    fetch: sessionFetch,
    ...guarded,
    subscribe: local.subscribe,
    close: channel.close,
    send,
  }
}
