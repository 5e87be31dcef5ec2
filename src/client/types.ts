import type { Reason } from '../errors.ts'
import type { SessionStorage } from './platform/storage.ts'
import type {
  FactorAnswer,
  FactorQuestion,
  PasskeyAnswer,
  StepUpAnswer,
  StepUpQuestion,
} from './questions.ts'

/** Who is signed in. */
export interface SessionUser {
  readonly id: string
  readonly email: string
  readonly emailVerified: boolean
  readonly roles: readonly string[]
  readonly scopes: readonly string[]
}

/** Why a session ended. TOKEN_STALE: this device lost track of its tokens (see "Limits" in docs/client-inside.md). */
export type SignedOutReason = Reason | 'TOKEN_STALE'

/**
 * What a user interface needs to know. The object stays the same until something changes, so that it can serve as a
 * snapshot (`useSyncExternalStore`).
 *
 * - `restoring`: there may be a session, and the server has not yet said whose
 * - `signedIn`: there is a session, and `user` is known
 * - `signedOut`: there is no session; `reason` says why, if a session has ended while this page was open
 */
export type SessionState =
  | { readonly status: 'restoring'; readonly user: null; readonly reason: null }
  | { readonly status: 'signedIn'; readonly user: SessionUser; readonly reason: null }
  | { readonly status: 'signedOut'; readonly user: null; readonly reason: SignedOutReason | null }

export interface SessionOptions {
  /** The GraphQL endpoint. May be relative in a browser. Cookie mode needs it on the page's own host (any port). */
  readonly endpoint: string | URL
  /**
   * Where the refresh token is kept: `'cookie'`, or a storage private to the app (localStorage, React Native's AsyncStorage, a
   * Map). Default: `'cookie'` in a page; elsewhere memory, which lasts as long as the process.
   */
  readonly storage?: SessionStorage | 'cookie' | undefined
  /**
   * Called when a session has ended and the user must sign in again: once for each session in every tab, and after
   * `logout()` with LOGGED_OUT. Never called because the server or the network is down.
   */
  readonly onSignedOut?: ((reason: SignedOutReason) => void) | undefined
  /**
   * Asks the user for a second factor, while `login` or `resetPassword` waits. Called again after a wrong answer. Null,
   * or a rejection: the user gives up, and so does the method. Without it, the method rejects with
   * SECOND_FACTOR_REQUIRED, and `completeLogin` goes on.
   */
  readonly onFactor?: ((question: FactorQuestion) => Promise<FactorAnswer | null>) | undefined
  /**
   * Asks the user for a proof, while an operation waits that was answered by REAUTHENTICATION_REQUIRED. Then the session
   * sends the operation once more. Operations that wait at the same time share one question. Called again after a wrong
   * answer. Null, or a rejection: the user gives up, and the operation gets its first answer.
   */
  readonly onStepUp?: ((question: StepUpQuestion) => Promise<StepUpAnswer | null>) | undefined
  /**
   * Asks for sliding access tokens, so that an active user is not interrupted by a refresh. With a storage it needs
   * `crypto.subtle`; without that (React Native, pages over plain http) nothing is asked for. Default: false
   */
  readonly renew?: boolean | undefined
  /** Prefix of the storage's keys: two sessions of one origin need two. Letters, digits and dots. Default: 'annul' */
  readonly key?: string | undefined
  /** Whether cookies go to the endpoint; 'include' also for ANNUL_BIND=cookie. Default: 'include' in cookie mode only */
  readonly credentials?: 'include' | 'same-origin' | 'omit' | undefined
  /** How long one request of the client's own may take, in milliseconds. Default: 10000 */
  readonly timeoutMs?: number | undefined
  /** For how long a request is tried again after a passing failure, in milliseconds; 0: never. Default: 15000 */
  readonly retryMs?: number | undefined
  /** The server's own `rename`, where it renames the mutations that the client sends, or their inputs. */
  readonly rename?: Rename | undefined
  /** What sends requests. Default: the global fetch at the time of sending */
  readonly fetch?: typeof globalThis.fetch | undefined
}

/** Other names of the server, by Annul's: `{ types: { LoginInput: 'SignInInput' }, fields: { 'Mutation.login': 'signIn' } }`. */
export interface Rename {
  readonly types?: Readonly<Record<string, string>> | undefined
  readonly fields?: Readonly<Record<string, string>> | undefined
}

/** The `Tokens` of the contract, as far as the client asks for them. */
export interface Tokens {
  readonly accessToken: string
  /** Seconds. */
  readonly expiresIn: number
  /** Null in cookie mode. */
  readonly refreshToken: string | null
  readonly session: { readonly id: string }
  readonly user: SessionUser
}

/** A GraphQL answer, as far as the client reads it. */
export interface GraphQLResult {
  readonly data?: Readonly<Record<string, unknown>> | null | undefined
  readonly errors?: readonly GraphQLFailure[] | undefined
  readonly extensions?: Readonly<Record<string, unknown>> | undefined
}

export interface GraphQLFailure {
  readonly message?: string | undefined
  readonly path?: readonly (string | number)[] | undefined
  readonly extensions?: Readonly<Record<string, unknown>> | undefined
}

/** What a request asks for: whether it may be sent twice, and which mutations are in it. */
export interface Sent {
  /** `other`: the kind can't be seen (persisted operations, uploads). Sent again only if no field was carried out. */
  readonly kind: 'read' | 'write' | 'other'
  /** The answer's key of the first root field. Undefined where the key can't be seen. */
  readonly first?: string | undefined
  /** A text that contains the names of the root fields, for example the document. */
  readonly fields: string
  /** The request will not be sent again, whatever the answer is. So `onStepUp` is not called. Default: false */
  readonly final?: boolean | undefined
}

/** What `createSession` returns. Its functions work without the object: `const { fetch } = session`. */
export interface Session {
  readonly state: SessionState
  /** Short for `state.user`. */
  readonly user: SessionUser | null
  /** Resolves when it is known who is signed in, or that this can't be found out now. Never rejects. */
  readonly ready: Promise<SessionState>
  /**
   * Signs in, with a second factor where the account has one (see the option `onFactor`).
   *
   * @throws SessionError INVALID_CREDENTIALS, SECOND_FACTOR_REQUIRED (with `challenge` and `methods`), BAD_USER_INPUT
   *   (CHALLENGE_INVALID: too late, or too many wrong answers), TOO_MANY_REQUESTS, UNAVAILABLE
   */
  login(input: { email: string; password: string }): Promise<SessionUser>
  /**
   * @returns null where the server wants a verified e-mail address first
   * @throws SessionError BAD_USER_INPUT (EMAIL_TAKEN, PASSWORD_TOO_SHORT, …), TOO_MANY_REQUESTS, UNAVAILABLE
   */
  register(input: { email: string; password: string }): Promise<SessionUser | null>
  /**
   * Goes on where `login` or `resetPassword` has rejected with SECOND_FACTOR_REQUIRED, without `onFactor`.
   *
   * @throws SessionError BAD_USER_INPUT (CODE_INVALID, PASSKEY_INVALID, CHALLENGE_INVALID), TOO_MANY_REQUESTS, UNAVAILABLE
   * @example
   * const { challenge = '' } = error.extensions
   * await session.completeLogin({ challenge, factor: { totp: '123456' } })
   */
  completeLogin(input: { challenge: string; factor: FactorAnswer }): Promise<SessionUser>
  /**
   * Signs in with a passkey alone. `signInWithPasskey` of `annul/client/passkeys` calls it with the browser's answer.
   *
   * @throws SessionError BAD_USER_INPUT (PASSKEY_INVALID), TOO_MANY_REQUESTS, UNAVAILABLE
   */
  passkeyLogin(input: PasskeyAnswer): Promise<SessionUser>
  /**
   * Signs in with the code from the e-mail, and ends all other sessions. Asks for a second factor as `login` does.
   *
   * @throws SessionError BAD_USER_INPUT, SECOND_FACTOR_REQUIRED, …
   */
  resetPassword(input: { token: string; newPassword: string }): Promise<SessionUser>
  /**
   * Signs out here, at once and in every tab, and tells the server.
   *
   * @returns whether the server knows. False: the server could not be reached, and the session stays in the server's
   *   list until it expires, although its tokens are deleted here. An unreachable server never makes it reject.
   */
  logout(): Promise<boolean>
  /** This device stays signed in, all others end. @throws SessionError INVALID_CREDENTIALS, BAD_USER_INPUT, … */
  changePassword(input: { currentPassword: string; newPassword: string }): Promise<SessionUser>
  /** Signs out everywhere else. */
  revokeOtherSessions(): Promise<SessionUser>
  /** After REAUTHENTICATION_REQUIRED: proves who the user is, for this tab. @throws SessionError INVALID_CREDENTIALS, … */
  reauthenticate(password: string): Promise<SessionUser>
  /**
   * After REAUTHENTICATION_REQUIRED with `mfa`: proves by a second factor who the user is, for this tab.
   *
   * @throws SessionError BAD_USER_INPUT (CODE_INVALID, PASSKEY_INVALID), TOO_MANY_REQUESTS, UNAVAILABLE
   */
  reauthenticateWith(factor: FactorAnswer): Promise<SessionUser>
  /** Fetches new tokens now, for example to see new roles. @throws SessionError UNAVAILABLE */
  refresh(): Promise<SessionState>
  /**
   * Forgets the access token here, as if it had expired: the next request refreshes first. The session goes on, and the
   * server is told nothing. For tests and tools that want to see a refresh.
   *
   * @example
   * session.forgetAccessToken()
   * await session.fetch('/graphql', { method: 'POST', headers, body }) // sends `refresh`, then the request
   */
  forgetAccessToken(): void
  /**
   * Use it in place of the global `fetch`. Requests to the endpoint's origin carry the access token. Requests to other
   * origins, and those with an Authorization header of their own, pass untouched.
   */
  readonly fetch: typeof globalThis.fetch
  /**
   * The headers that a request needs now, after a refresh if one is due. For requests that do not go through `fetch`,
   * such as a WebSocket's `connectionParams`. Ask anew for each request.
   *
   * @throws SessionError UNAVAILABLE when a refresh is due and the server can't be reached
   */
  headers(): Promise<Readonly<Record<string, string>>>
  /**
   * For integrations that do not use `fetch`: takes new tokens from an answer, and refreshes after a refusal.
   *
   * @param result one answer, or the answers of a batch
   * @param headers the very object that `headers()` returned for the request
   * @returns whether the request should be sent once more, with new headers. With `onStepUp`, after the user's answer
   */
  handleResult(
    result: GraphQLResult | readonly GraphQLResult[],
    headers: Readonly<Record<string, string>>,
    sent: Sent,
  ): Promise<boolean>
  /** Calls the listener after every change of `state`. @returns a function that ends the subscription */
  subscribe(listener: (state: SessionState) => void): () => void
  /** Stops listening to other tabs. The session in the storage goes on. */
  close(): void
  /**
   * For the other doors of the client.
   *
   * @internal
   */
  readonly send: import('./requests/sendOptions.ts').Send
}
