import { findUsers } from '../accounts/findUsers.ts'
import type { SessionRow, UserRow } from '../database/rows.ts'
import type { Authenticator, Decision } from '../decisions/authenticate.ts'
import { RequestDecision } from '../decisions/requestDecision.ts'
import { AuthError } from '../errors.ts'
import { readUserAgent } from '../input/device.ts'
import type { Parts } from '../parts.ts'
import { type AppTransaction, queriesOf } from '../revocation/appTransaction.ts'
import { fence } from '../revocation/fence.ts'
import { findSessions } from '../sessions/findSessions.ts'
import type { SessionEvents } from '../sessions/sessionEvents.ts'
import { bindAddress, bindFingerprint } from '../tokens/binding.ts'
import type { OpenSpan } from '../tracing.ts'
import type { DeviceVisitor, Viewer, VisitorDevice } from '../viewer.ts'
import type { AddressReader } from './address.ts'
import { bearerToken } from './bearerToken.ts'
import { CookieJar } from './cookies.ts'
import { RequestDevice } from './device.ts'
import { header, type RequestLike, type ResponseLike } from './message.ts'
import { RowsById } from './rowsById.ts'

let readState: (context: AuthContext) => RequestState

/**
 * What an app may ask about the sender of one request. Created without a query and without an error, so that a stale
 * header never blocks `login`. Nothing internal can be reached from an AuthContext.
 */
export class AuthContext {
  readonly #state: RequestState

  static {
    // Not a static method, because `context.constructor` leads everybody to those.
    readState = context => context.#state
  }

  /** @internal */
  constructor(state: RequestState) {
    this.#state = state
  }

  /**
   * The sender of the request, on a field that is guarded: by its own `@auth`, its type's, or that of the type that it
   * returns. On other fields, only after `await viewerOrNull()`.
   *
   * @throws AuthError UNAUTHENTICATED, or UNAVAILABLE when the database cannot be asked
   * @throws Error on an unguarded field, where the sender is not known yet: a developer's mistake, told in the log
   * @example
   * ```ts
   * // type Query { notes: [Note!]! @auth }
   * const notes = (_source, _args, { auth }) => readNotes(auth.viewer().userId)
   * ```
   */
  viewer(): Viewer {
    return this.#state.viewer()
  }

  /**
   * The sender of the request, on any field. Null when the request carries no access token, or one that is refused.
   *
   * @throws AuthError UNAVAILABLE when the database cannot be asked, because an outage signs nobody out
   * @example
   * // type Query { greeting: String! }
   * const greeting = async (_source, _args, { auth }) =>
   *   (await auth.viewerOrNull()) ? 'Welcome back.' : 'Hello, stranger.'
   */
  async viewerOrNull(): Promise<Viewer | null> {
    return this.#state.viewerOrNull()
  }

  /**
   * Puts an app's own transaction behind the viewer's fence: when a mutation has returned that ends the viewer's token
   * (a block, a demotion, a log-out, …), the transaction has ended too, or it is refused here. To be awaited first in
   * the transaction itself (not in a savepoint), under READ COMMITTED, on the database that Annul uses. The transaction
   * lasts 30 s at most from then on.
   *
   * @param tx an open transaction of Drizzle or of the `postgres` client
   * @returns the viewer
   * @throws AuthError UNAUTHENTICATED with the reason that ended the token, UNAVAILABLE
   * @throws TypeError where `tx` is no open transaction; Error where it is under another isolation level or has begun
   * @example
   * await db.transaction(async tx => {
   *   const { userId } = await context.auth.fence(tx)
   *   await tx.insert(notes).values({ owner: userId, text })
   * })
   */
  async fence(tx: AppTransaction): Promise<Viewer> {
    const decision = await this.#state.decide()
    if (decision instanceof AuthError) throw decision
    await fence(queriesOf(tx), decision)
    return decision
  }

  /** @internal For `@auth`: see RequestState.decide. */
  decide(again = false): Decision | Promise<Decision> {
    this.#state.hasMetGuard = true
    return this.#state.decide(again)
  }

  /** @internal For `@auth`: see RequestState.forget. */
  forget(): void {
    this.#state.forget()
  }

  /** @internal For `@auth`: database time in seconds. */
  now(): number {
    return this.#state.parts.clock.now()
  }
}

/** What a GraphQL context must hold for `@auth` and Annul's own fields. An app adds its own keys beside `auth`. */
export interface GraphQLContext {
  readonly auth: AuthContext
}

/** @internal What contexts are made from: opened once, by createAuth. */
export interface Services {
  readonly parts: Parts
  readonly authenticator: Authenticator
  readonly sessionEvents: SessionEvents
  readonly addressOf: AddressReader
}

/** @internal What Annul itself knows of one request, behind its AuthContext. */
export class RequestState {
  readonly parts: Parts
  readonly sessionEvents: SessionEvents
  readonly visitor: DeviceVisitor
  readonly cookies: CookieJar
  /** The header `annul-renew`, by which a client asks for a renewed access token. */
  readonly renewal: string | undefined
  /** The span of the operation, while it is traced. */
  operation: OpenSpan | undefined
  /** Whether a guard has asked for a decision, and not only the app (`viewerOrNull`). */
  hasMetGuard = false
  readonly #authenticator: Authenticator
  /** The token of this moment: a socket takes a fresh one over while its operations run. */
  readonly #presentToken: () => string | undefined
  /** The token that the last decision was about. */
  #token: string | undefined
  readonly #sender = new RequestDecision<Viewer>(() => {
    this.#token = this.#presentToken()
    return this.#authenticator.decide(this.visitor, this.#token)
  })
  #identified: string | undefined
  #users: RowsById<UserRow> | undefined
  #sessions: RowsById<SessionRow> | undefined
  #revokedMs: number | undefined

  /** @param presentToken default: the token of the Authorization header */
  constructor(
    services: Services,
    request: RequestLike,
    response: ResponseLike,
    presentToken?: () => string | undefined,
  ) {
    this.parts = services.parts
    this.sessionEvents = services.sessionEvents
    this.#authenticator = services.authenticator
    this.cookies = new CookieJar(this.parts.config, request, response)
    const device = new RequestDevice(this.parts.deviceTokens, request, response, this.cookies)
    this.visitor = openVisitor(services, request, this.cookies, device, waitedMs => {
      this.#revokedMs = Math.max(this.#revokedMs ?? 0, waitedMs)
    })
    // Only from the Authorization header: URLs end up in logs, histories and Referer headers (RFC 6750, 5.3).
    const token = bearerToken(header(request, 'authorization'))
    this.#presentToken = presentToken ?? (() => token)
    this.renewal = header(request, 'annul-renew')
  }

  /**
   * The sender of the request, or the reason why the sender is refused. The first decision holds for the whole request,
   * so that all fields of one answer agree.
   *
   * @param again decides anew: for root mutation fields, so that `{ revokeSessions secret }` does not answer `secret`,
   *   and for each event of a subscription
   */
  decide(again = false): Decision | Promise<Decision> {
    if (again || !this.#sender.isMade) this.#forgetRows()
    return this.#sender.decide(again)
  }

  /**
   * Forgets the decision, and the rows that were read. Called for root mutation fields and events without `@auth`,
   * because a decision holds no longer than one of these.
   */
  forget(): void {
    this.#sender.forget()
    this.#forgetRows()
  }

  #forgetRows(): void {
    this.#users = undefined
    this.#sessions = undefined
  }

  /**
   * Whether what was made for the viewer of the last decision may still be sent: decides about the very same token once
   * more, whatever token is present by now. The last decision stays.
   *
   * @returns nothing, where no viewer was let in or the viewer's token lives on; else why it may not be sent
   */
  refusedSince(): AuthError | undefined | Promise<AuthError | undefined> {
    const { settled } = this.#sender
    if (settled === undefined || settled instanceof AuthError) return undefined
    const made = this.#authenticator.decide(this.visitor, this.#token)
    return made instanceof Promise ? made.then(errorOf) : errorOf(made)
  }

  /** The token that the last decision was about. */
  get decidedToken(): string | undefined {
    return this.#token
  }

  /** The viewer of the present decision. @throws AuthError UNAUTHENTICATED, UNAVAILABLE */
  viewer(): Viewer {
    return this.#sender.viewer()
  }

  /** As AuthContext.viewerOrNull. */
  async viewerOrNull(): Promise<Viewer | null> {
    return this.#sender.viewerOrNull()
  }

  /** The last decision, if one was made. For the log and for the renewal: both run after all fields are answered. */
  lastDecision(): Decision | undefined {
    return this.#sender.last
  }

  /** Notes the user whom `login`, `refresh` and the like have identified. For the log. */
  identify(userId: string): void {
    this.#identified = userId
  }

  /** The id of the user who sent the request, if it became known. */
  userId(): string | undefined {
    const { last } = this.#sender
    return this.#identified ?? (last instanceof AuthError ? undefined : last?.userId)
  }

  /** Milliseconds that the request waited until every node refused what it had revoked. Undefined: it revoked nothing. */
  revokedOnAllNodesMs(): number | undefined {
    return this.#revokedMs
  }

  /** A user's row. Read once per query, and once per root mutation field, together with others that are asked for then. */
  user(id: string): Promise<UserRow | null> {
    this.#users ??= new RowsById(ids => findUsers(this.parts, ids))
    return this.#users.read(id)
  }

  /** The row of a session that is live, whosever it is. Read as `user` is. */
  session(id: string): Promise<SessionRow | null> {
    this.#sessions ??= new RowsById(ids => findSessions(this.parts, ids))
    return this.#sessions.read(id)
  }
}

/** @internal The state behind a context, for Annul's own resolvers, plugins and sockets. */
export function stateOf(context: AuthContext | undefined): RequestState {
  if (!(context instanceof AuthContext))
    throw new Error('The context has no "auth" of Annul: make it by `await auth.context(…)`.')
  return readState(context)
}

function openVisitor(
  { parts, addressOf }: Services,
  request: RequestLike,
  cookies: CookieJar,
  device: VisitorDevice,
  revoked: DeviceVisitor['revoked'],
): DeviceVisitor {
  const ipAddress = addressOf(request)
  const userAgent = readUserAgent(header(request, 'user-agent'))
  switch (parts.config.bind) {
    case 'none':
      return { ipAddress, userAgent, device, revoked, binding: undefined, newBinding: undefined }
    case 'ip': {
      const binding = ipAddress === null ? undefined : bindAddress(ipAddress)
      return { ipAddress, userAgent, device, revoked, binding, newBinding: binding }
    }
    case 'cookie': {
      const binding = cookies.fingerprint && bindFingerprint(cookies.fingerprint)
      const newBinding = binding ?? bindFingerprint(cookies.newFingerprint())
      return { ipAddress, userAgent, device, revoked, binding, newBinding }
    }
  }
}

function errorOf(decision: Decision): AuthError | undefined {
  return decision instanceof AuthError ? decision : undefined
}
