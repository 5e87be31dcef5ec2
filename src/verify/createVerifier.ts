import { type Ending, openTokenWatch } from '../decisions/tokenWatch.ts'
import type { FetchRequest, RequestLike } from '../request/message.ts'
import { systemClock } from '../revocation/clock.ts'
import { RevocationView } from '../revocation/view.ts'
import type { TokenViewer } from '../viewer.ts'
import { tokenOf, VerifierAuth, type VerifierContext } from './context.ts'
import { openDecider, type VerifierDecision } from './decider.ts'
import { FeedClient } from './feedClient.ts'
import { FeedKeys } from './feedKeys.ts'
import { FeedReader } from './feedReader.ts'
import { Introspection, NoAnswer } from './introspection.ts'
import {
  expressGuard,
  fastifyGuard,
  type GuardRequirement,
  type VerifierHook,
  type VerifierMiddleware,
} from './middleware.ts'
import { checkOptions, type VerifierOptions } from './options.ts'

/** Decides about access tokens in a service without a database. */
export interface Verifier {
  /**
   * Fulfilled when decisions are made from memory for the first time. Before that, and whenever they can't be, an auth
   * node is asked about each token. Rejected where every node refuses the feed, because of a wrong secret for example,
   * and when the verifier is closed before. Need not be waited for.
   */
  readonly ready: Promise<void>
  /**
   * Decides about an access token: the sender, or an AuthError with `code` (UNAUTHENTICATED, UNAVAILABLE) and `reason`.
   * No promise where memory decides. Never throws, and never rejects. A decision holds for one request.
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
   * @param viewer what `decide` has returned
   * @returns a function that ends the watch
   */
  watch(viewer: TokenViewer, end: (why: Ending) => void): () => void
  /** Whether decisions are made from memory now. For a probe of readiness. */
  isFresh(): boolean
  /** Leaves the auth nodes, and ends all watches. Decisions are UNAVAILABLE from then on. May be called twice. */
  close(): Promise<void>
}

/** How often a watch asks while no picture may be used, twice, in milliseconds. */
const watchMs = 400

/**
 * Decides about access tokens in any service, without a database and without a key that signs: by the feed of the auth
 * nodes, which hold back the answer to a revocation until this verifier refuses what was revoked.
 *
 * @throws TypeError for an option that is unknown, missing or wrong
 * @example
 * const verifier = createVerifier({
 *   nodes: ['https://auth.example.com'],
 *   service: process.env.ANNUL_SERVICE ?? '',
 *   audience: 'annul',
 * })
 * await verifier.ready
 * app.get('/orders', verifier.express({ roles: ['customer'] }), (req, res) => res.json(ordersOf(req.auth)))
 */
export function createVerifier(options: VerifierOptions): Verifier {
  const checked = checkOptions(options)
  const { nodes, service, log } = checked
  const clock = systemClock
  const view = new RevocationView()
  const keys = new FeedKeys(view)
  let issuer = checked.issuer
  let isClosed = false
  let becomeReady = () => {}
  let failReady = (_why: Error) => {}
  const ready = new Promise<void>((resolve, reject) => {
    becomeReady = resolve
    failReady = reject
  })
  // An app need not wait for it.
  ready.catch(() => {})

  const reader = new FeedReader({
    view,
    clock,
    onKeys(frame) {
      issuer = checked.issuer ?? frame.issuer
      keys.take(frame.keys)
    },
    onFresh() {
      becomeReady()
      client.noteFresh()
    },
  })
  const client = new FeedClient({ nodes, service, reader, clock, log, onRefused: why => failReady(why) })
  const introspection = new Introspection(checked)
  const isFresh = () => !isClosed && reader.isFresh()
  const decider = openDecider(
    {
      keys,
      onNextKeys: call => keys.onNext(call),
      issuer: () => issuer,
      isFresh,
      verdict: claims => view.verdict(claims),
      databaseTime: () => reader.databaseTime(),
    },
    {
      ...checked,
      ask: token =>
        isClosed ? Promise.reject(new NoAnswer('The verifier is closed.')) : introspection.ask(token),
    },
  )
  const watch = openTokenWatch(
    {
      clock: { now: decider.now },
      config: { leaseMs: watchMs },
      revocation: { view, isFresh },
    },
    { verdict: decider.reask },
  )
  client.start()
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
      failReady(new Error('The verifier was closed.'))
      client.close()
      watch.close()
    },
  }
}
