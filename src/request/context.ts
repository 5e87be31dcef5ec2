import { isIP } from 'node:net'
import { findUser } from '../accounts/findUser.ts'
import type { UserRow } from '../database/rows.ts'
import type { Authenticator, Decision } from '../decisions/authenticate.ts'
import { AuthError } from '../errors.ts'
import { readUserAgent } from '../input/device.ts'
import type { Parts } from '../parts.ts'
import type { SessionEvents } from '../sessions/sessionEvents.ts'
import { bindAddress, bindFingerprint } from '../tokens/binding.ts'
import type { Viewer, Visitor } from '../viewer.ts'
import { CookieJar } from './cookies.ts'
import { header, type RequestLike, type ResponseLike } from './message.ts'

let readState: (context: AuthContext) => RequestState

/**
 * What a context says of the sender of one request. Made without a query and without throwing: a stale header never
 * blocks `login`. Nothing internal can be reached from it.
 */
export class AuthContext {
  readonly #state: RequestState

  static {
    // Not a static method: `context.constructor` would hand it to everybody.
    readState = context => context.#state
  }

  /** @internal */
  constructor(state: RequestState) {
    this.#state = state
  }

  /**
   * The sender of the request. For fields that `@auth` guards, by itself, its type or the type that it returns; on other
   * fields it works once `viewerOrNull` was awaited.
   *
   * @throws AuthError UNAUTHENTICATED, or UNAVAILABLE when the database cannot be asked
   * @throws Error where nothing has decided who the sender is: the developer's mistake, which the log tells
   * @example
   * // type Query { notes: [Note!]! @auth }
   * const notes = (_source, _args, { auth }) => readNotes(auth.viewer().userId)
   */
  viewer(): Viewer {
    return this.#state.viewer()
  }

  /**
   * The sender of the request, on any field; null when no access token was sent, or when it was refused.
   *
   * @throws AuthError UNAVAILABLE when the database cannot be asked: an outage signs nobody out
   * @example
   * // type Query { greeting: String! }
   * const greeting = async (_source, _args, { auth }) =>
   *   (await auth.viewerOrNull()) ? 'Welcome back.' : 'Hello, stranger.'
   */
  async viewerOrNull(): Promise<Viewer | null> {
    const decision = await this.#state.decide()
    if (!(decision instanceof AuthError)) return decision
    if (decision.code === 'UNAUTHENTICATED') return null
    throw decision
  }

  /** @internal For `@auth`: see RequestState.decide. */
  decide(again = false): Decision | Promise<Decision> {
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

/** What a GraphQL context must hold for `@auth` and Annul's own fields. An app adds its own keys beside it. */
export interface GraphQLContext {
  readonly auth: AuthContext
}

/** @internal What contexts are made with: opened once, by createAuth. */
export interface Services {
  readonly parts: Parts
  readonly authenticator: Authenticator
  readonly sessionEvents: SessionEvents
}

/** @internal What Annul itself knows of one request, behind its AuthContext. */
export class RequestState {
  readonly parts: Parts
  readonly sessionEvents: SessionEvents
  readonly visitor: Visitor
  readonly cookies: CookieJar
  /** Whether the client asks for renewed access tokens (`annul-renew: 1`). */
  readonly wantsRenewal: boolean
  readonly #authenticator: Authenticator
  readonly #token: string | undefined
  #decision: Decision | Promise<Decision> | undefined
  /** The present decision, once it was made. */
  #settled: Decision | undefined
  /** The last decision of the request: for the log and the renewal, which come when all fields are answered. */
  #last: Decision | undefined
  #identified: string | undefined
  #users: Map<string, Promise<UserRow | null>> | undefined
  #revokedMs: number | undefined

  constructor(services: Services, request: RequestLike, response: ResponseLike) {
    this.parts = services.parts
    this.sessionEvents = services.sessionEvents
    this.#authenticator = services.authenticator
    this.cookies = new CookieJar(this.parts.config, request, response)
    this.visitor = openVisitor(this.parts, request, this.cookies, waitedMs => {
      this.#revokedMs = Math.max(this.#revokedMs ?? 0, waitedMs)
    })
    // From the Authorization header only: URLs end up in logs, histories and Referer headers (RFC 6750, 5.3).
    this.#token = bearerToken(header(request, 'authorization'))
    this.wantsRenewal = header(request, 'annul-renew') === '1'
  }

  /**
   * The sender of the request, or why the sender can't be told. Within one request the first decision holds, so that
   * its answer is of one piece.
   *
   * @param again decides anew: for root mutation fields, so that `{ revokeSessions secret }` does not answer `secret`
   */
  decide(again = false): Decision | Promise<Decision> {
    if (this.#decision !== undefined && !again) return this.#decision
    this.forget()
    const made = this.#authenticator.decide(this.visitor, this.#token)
    this.#decision = made
    if (made instanceof Promise) made.then(settled => this.#settle(made, settled))
    else this.#settle(made, made)
    return made
  }

  /**
   * Forgets the decision, and what was read of users under it. For root mutation fields without `@auth`: a decision
   * holds no longer than one of these fields.
   */
  forget(): void {
    this.#decision = undefined
    this.#settled = undefined
    this.#users = undefined
  }

  /** The viewer of the present decision. @throws AuthError UNAUTHENTICATED, UNAVAILABLE */
  viewer(): Viewer {
    if (this.#settled === undefined)
      throw new Error(
        'viewer() was called on a field that no @auth guards, where the sender is not known yet. ' +
          'Guard the field with @auth, or await viewerOrNull() instead.',
      )
    if (this.#settled instanceof AuthError) throw this.#settled
    return this.#settled
  }

  /** The last decision, if one was made. */
  lastDecision(): Decision | undefined {
    return this.#last
  }

  /** Says for whom a request without `@auth` turned out to be: the user who signed in or refreshed. For the log. */
  identify(userId: string): void {
    this.#identified = userId
  }

  /** The user that the request is from, as far as it was found out. */
  userId(): string | undefined {
    return this.#identified ?? (this.#last instanceof AuthError ? undefined : this.#last?.userId)
  }

  /** How long this request waited until every node refused what it had revoked; undefined where it revoked nothing. */
  revokedOnAllNodesMs(): number | undefined {
    return this.#revokedMs
  }

  /** A user's row, read once per request and root mutation field. */
  user(id: string): Promise<UserRow | null> {
    this.#users ??= new Map()
    const reading = this.#users.get(id) ?? findUser(this.parts, id)
    this.#users.set(id, reading)
    return reading
  }

  /** A decision that was replaced while it was under way is nobody's. */
  #settle(made: Decision | Promise<Decision>, settled: Decision): void {
    if (made !== this.#decision) return
    this.#settled = settled
    this.#last = settled
  }
}

/** @internal What is behind a context: for resolvers, plugins and sockets of Annul's own. */
export function stateOf(context: AuthContext): RequestState {
  return readState(context)
}

function openVisitor(
  parts: Parts,
  request: RequestLike,
  cookies: CookieJar,
  revoked: Visitor['revoked'],
): Visitor {
  const ipAddress = addressOf(request.ip)
  const userAgent = readUserAgent(header(request, 'user-agent'))
  switch (parts.config.bind) {
    case 'none':
      return { ipAddress, userAgent, revoked, binding: undefined, newBinding: undefined }
    case 'ip': {
      const binding = ipAddress === null ? undefined : bindAddress(ipAddress)
      return { ipAddress, userAgent, revoked, binding, newBinding: binding }
    }
    case 'cookie': {
      const binding = cookies.fingerprint && bindFingerprint(cookies.fingerprint)
      const newBinding = binding ?? bindFingerprint(cookies.newFingerprint())
      return { ipAddress, userAgent, revoked, binding, newBinding }
    }
  }
}

/** An IPv4 client of a server that listens on IPv6 is shown as what it is; what a proxy made up is no address. */
function addressOf(ip = ''): string | null {
  // A zone (fe80::1%eth0) is this machine's name for a wire; the database knows none.
  const address = ip.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '')
  return isIP(address) ? address : null
}

function bearerToken(authorization: string | undefined): string | undefined {
  return authorization?.match(/^Bearer +([^ ]+)$/i)?.[1]
}
