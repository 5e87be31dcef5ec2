import { isIP } from 'node:net'
import { findUser } from '../admin/listUsers.ts'
import type { Authenticator, Decision } from '../decisions/authenticate.ts'
import { AuthError } from '../errors.ts'
import type { Parts, Viewer, Visitor } from '../parts.ts'
import type { Tokens, UserRow } from '../sessions/issueTokens.ts'
import type { SessionEvents } from '../sessions/sessionEvents.ts'
import { bindAddress, bindFingerprint } from '../tokens/binding.ts'
import type { RefreshClaims } from '../tokens/refreshToken.ts'

/** What a GraphQL context must hold for `@auth` and Annul's own fields. An app adds its own keys beside it. */
export interface GraphQLContext {
  readonly auth: AuthContext
}

/** One request's view of who sends it. Made without a query and without throwing: a stale header never blocks login. */
export interface AuthContext {
  readonly parts: Parts
  readonly sessionEvents: SessionEvents
  readonly visitor: Visitor
  readonly cookies: CookieJar
  /** Whether the client asks for renewed access tokens (`annul-renew: 1`). */
  readonly wantsRenewal: boolean
  /**
   * Who sends the request, or why that can't be said. Within one request the first decision holds, so that its answer
   * is of one piece.
   *
   * @param again decides anew: for root mutation fields, so that `{ revokeSessions secret }` does not answer `secret`
   */
  decide(again?: boolean): Decision | Promise<Decision>
  /** The viewer of the last decision, where `@auth` stands on the field. @throws AuthError UNAUTHENTICATED */
  viewer(): Viewer
  /** The last decision, if one was made. */
  lastDecision(): Decision | undefined
  /** Says who the request turned out to be from, where no `@auth` stands: who signed in or refreshed. For the log. */
  identify(userId: string): void
  /** Who the request is from, as far as it was found out. */
  userId(): string | undefined
  /** How long this request waited until every node refused what it had revoked; undefined where it revoked nothing. */
  revokedOnAllNodesMs(): number | undefined
  /** A user's row, read once per request and root mutation field. */
  user(id: string): Promise<UserRow | null>
  /** Database time in seconds. */
  now(): number
}

/** What is looked at of a request: Fastify's and Node's own requests both fit. */
export interface RequestLike {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly ip?: string
}

/** Where cookies are set: Node's own response fits. */
export interface ResponseLike {
  appendHeader(name: string, value: string): unknown
}

/** The cookies of a request and its answer (http/cookies.ts). */
export interface CookieJar {
  readonly refreshToken: string | undefined
  readonly fingerprint: string | undefined
  /** @throws AuthError ORIGIN_NOT_ALLOWED when the page that sends may not use cookies */
  checkOrigin(): void
  isAllowed(): boolean
  setTokens(tokens: Pick<Tokens, 'refreshToken' | 'session'>): void
  /** Sets the readable cookie right. */
  correctSession(claims: RefreshClaims): void
  clear(): void
  /** The fingerprint, made and set where there is none. */
  ensureFingerprint(): string
}

/** What contexts are made with: opened once, by createAuth. */
export interface Services {
  readonly parts: Parts
  readonly authenticator: Authenticator
  readonly sessionEvents: SessionEvents
}

export function openContext(services: Services, request: RequestLike, cookies: CookieJar): AuthContext {
  const { parts, authenticator, sessionEvents } = services
  let revokedMs: number | undefined
  const visitor = openVisitor(parts, request, cookies, waitedMs => {
    revokedMs = Math.max(revokedMs ?? 0, waitedMs)
  })
  // From the Authorization header only: URLs end up in logs, histories and Referer headers (RFC 6750, 5.3).
  const token = bearerToken(header(request, 'authorization'))
  let decision: Decision | Promise<Decision> | undefined
  let settled: Decision | undefined
  let identified: string | undefined
  let users: Map<string, Promise<UserRow | null>> | undefined

  const remember = (made: Decision | Promise<Decision>) => {
    decision = made
    if (!(made instanceof Promise)) settled = made
    else
      decision = made.then(result => {
        settled = result
        return result
      })
    return decision
  }

  return {
    parts,
    sessionEvents,
    visitor,
    cookies,
    wantsRenewal: header(request, 'annul-renew') === '1',
    decide(again = false) {
      if (decision !== undefined && !again) return decision
      users = undefined
      return remember(authenticator.decide(visitor, token))
    },
    viewer() {
      if (settled === undefined) throw new Error('The viewer was asked for where no @auth stands.')
      if (settled instanceof AuthError) throw settled
      return settled
    },
    lastDecision: () => settled,
    identify(userId) {
      identified = userId
    },
    userId: () => identified ?? (settled instanceof AuthError ? undefined : settled?.userId),
    revokedOnAllNodesMs: () => revokedMs,
    user(id) {
      users ??= new Map()
      const reading = users.get(id) ?? findUser(parts, id)
      users.set(id, reading)
      return reading
    },
    now: () => parts.clock.now(),
  }
}

function openVisitor(
  parts: Parts,
  request: RequestLike,
  cookies: CookieJar,
  revoked: Visitor['revoked'],
): Visitor {
  const ipAddress = addressOf(request.ip)
  const userAgent = header(request, 'user-agent') ?? null
  switch (parts.config.bind) {
    case 'none':
      return { ipAddress, userAgent, revoked, binding: undefined, bindNew: () => undefined }
    case 'ip': {
      const binding = ipAddress === null ? undefined : bindAddress(ipAddress)
      return { ipAddress, userAgent, revoked, binding, bindNew: () => binding }
    }
    case 'cookie': {
      const binding = cookies.fingerprint && bindFingerprint(cookies.fingerprint)
      const bindNew = () => bindFingerprint(cookies.ensureFingerprint())
      return { ipAddress, userAgent, revoked, binding, bindNew }
    }
  }
}

/** An IPv4 client of a server that listens on IPv6 is shown as what it is; what a proxy made up is no address. */
function addressOf(ip = ''): string | null {
  // A zone (fe80::1%eth0) is this machine's name for a wire; the database knows none.
  const address = ip.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '')
  return isIP(address) ? address : null
}

function header(request: RequestLike, name: string): string | undefined {
  const value = request.headers[name]
  return Array.isArray(value) ? value[0] : value
}

function bearerToken(authorization: string | undefined): string | undefined {
  return authorization?.match(/^Bearer +([^ ]+)$/i)?.[1]
}
