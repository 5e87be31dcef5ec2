import { type Ending, openTokenWatch } from '../decisions/tokenWatch.ts'
import type { FetchRequest, RequestLike } from '../request/message.ts'
import type { TokenViewer } from '../viewer.ts'
import { tokenOf, VerifierAuth, type VerifierContext } from './context.ts'
import type { VerifierDecision } from './decider.ts'
import { openFeedSource } from './feedSource.ts'
import {
  expressGuard,
  fastifyGuard,
  type GuardRequirement,
  type VerifierHook,
  type VerifierMiddleware,
} from './middleware.ts'
import { checkOptions, type RedisVerifierOptions, type VerifierOptions } from './options.ts'
import { openRedisSource } from './redisSource.ts'

/** Decides about access tokens in a service without a database. */
export interface Verifier {
  /**
   * Fulfilled when decisions are made from memory for the first time. Before that, and whenever they can't be, an auth
   * node is asked about each token. Rejected where every node refuses the feed, because of a wrong secret for example,
   * and when the verifier is closed before. Need not be waited for.
   *
   * By the mirror in Redis: fulfilled when Redis and the keys could be read for the first time.
   */
  readonly ready: Promise<void>
  /**
   * Decides about an access token: the sender, or an AuthError with `code` (UNAUTHENTICATED, UNAVAILABLE) and `reason`.
   * No promise where memory decides. Never throws, and never rejects. A decision holds for one request.
   *
   * By the mirror in Redis, a promise always: Redis is asked about each token.
   *
   * @param token as it stands behind `Bearer `; undefined: there is none
   */
  decide(token: string | undefined): VerifierDecision | Promise<VerifierDecision>
  /** What `@auth` needs in the context of a GraphQL server, by the request's Authorization header. */
  context(request: RequestLike | FetchRequest): VerifierContext
  /**
   * A middleware of Express 5. Sets `req.auth` to the sender, or answers: 401 with `WWW-Authenticate` (RFC 6750), 403, or
   * 503 with `Retry-After`. @throws TypeError for a requirement that is wrong
   */
  express(requirement?: GuardRequirement): VerifierMiddleware
  /** The same as a hook of Fastify 5, for `onRequest`. Sets `request.auth`. @throws TypeError */
  fastify(requirement?: GuardRequirement): VerifierHook
  /**
   * Tells what lives longer than a request when the token of its sender dies: calls `end` once, before the revoking
   * mutation returns, with the reason, with TOKEN_EXPIRED, or with UNAVAILABLE where the token can't be checked any more.
   *
   * By the mirror in Redis, within two seconds **after** the mutation has returned: Redis is asked about each watched
   * token once a second.
   *
   * @param viewer what `decide` has returned
   * @returns a function that ends the watch
   */
  watch(viewer: TokenViewer, end: (why: Ending) => void): () => void
  /**
   * Whether decisions are made from memory now. For a probe of readiness. By the mirror in Redis: whether Redis, which is
   * looked at once a second, could be read.
   */
  isFresh(): boolean
  /**
   * Leaves the auth nodes, and ends all watches. Decisions are UNAVAILABLE from then on. May be called twice. A client of
   * Redis stays the app's own.
   */
  close(): Promise<void>
}

/**
 * Decides about access tokens in any service, without a database and without a key that signs. What a revoking mutation
 * has ended is refused from the moment at which the mutation has returned:
 *  - by the feed of the auth nodes (`nodes`, `service`), which hold back the answer to a revocation until this verifier
 *    refuses what was revoked: from memory;
 *  - or by the mirror in Redis (`revocations`, `keys`), which is asked about each token.
 *
 * @throws TypeError for an option that is unknown, missing or wrong, and for options of both kinds
 * @example
 * const verifier = createVerifier({
 *   nodes: ['https://auth.example.com'],
 *   service: process.env.ANNUL_SERVICE ?? '',
 *   audience: 'annul',
 * })
 * await verifier.ready
 * app.get('/orders', verifier.express({ roles: ['customer'] }), (req, res) => res.json(ordersOf(req.auth)))
 */
export function createVerifier(options: VerifierOptions | RedisVerifierOptions): Verifier {
  const checked = checkOptions(options)
  const source = 'nodes' in checked ? openFeedSource(checked) : openRedisSource(checked)
  const { ready, decider, isFresh, revocation, watchMs } = source
  const watch = openTokenWatch(
    { clock: { now: decider.now }, config: { leaseMs: watchMs }, revocation },
    { verdict: decider.reask },
  )
  let isClosed = false
  return {
    ready,
    decide: decider.decide,
    context: request => ({ auth: new VerifierAuth(decider, tokenOf(request)) }),
    express: (requirement = {}) => expressGuard(decider, requirement),
    fastify: (requirement = {}) => fastifyGuard(decider, requirement),
    watch: ({ claims }, end) => watch.watch(claims, end),
    isFresh,
    async close() {
      if (isClosed) return
      isClosed = true
      source.close()
      watch.close()
    },
  }
}
