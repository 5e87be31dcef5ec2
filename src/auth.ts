import type { GraphQLSchema } from 'graphql'
import { keepRecordingFollowers } from './admin/recordFollowers.ts'
import { rotateToAlgorithm } from './admin/rotateKeys.ts'
import { type App, type AppOptions, appOptionNames, openApp } from './app/options.ts'
import type { Config } from './config.ts'
import { openClock } from './database/clock.ts'
import { type OpenDatabase, openDatabase } from './database/open.ts'
import { openAuthenticator } from './decisions/authenticate.ts'
import { openStrictReader, type StrictReader } from './decisions/strictReader.ts'
import { tellKeys } from './decisions/tellKeys.ts'
import { openTokenWatch, type TokenWatch } from './decisions/tokenWatch.ts'
import { passkeyChallenges } from './factors/passkeyChallenge.ts'
import { openTotp } from './factors/totp.ts'
import { type ApolloSettings, apolloSettings } from './graphql/apolloSettings.ts'
import type { Bounds } from './graphql/bounds/limits.ts'
import { type OperationBounds, openBounds } from './graphql/bounds/operationBounds.ts'
import { readContract } from './graphql/contract.ts'
import { guardSchema } from './graphql/directive.ts'
import { formatErrors } from './graphql/formatErrors.ts'
import { type FieldGuard, listGuards } from './graphql/listGuards.ts'
import { type Allowlist, openAllowlist } from './graphql/operations/allowlist.ts'
import { readManifest } from './graphql/operations/readManifest.ts'
import { checkRename, type Rename } from './graphql/rename.ts'
import { buildSchema, type SchemaExtension } from './graphql/schema.ts'
import { startHousekeeping } from './housekeeping.ts'
import { databaseStore } from './limits/databaseStore.ts'
import { openLimits } from './limits/limits.ts'
import { memoryStore } from './limits/memoryStore.ts'
import { checkLog, type Log, openLog, withSafeErrors } from './log.ts'
import { openMails } from './mail/sendMails.ts'
import { openMetrics } from './metrics.ts'
import { readOptions, type Settings } from './options.ts'
import type { Parts } from './parts.ts'
import { openBreachCheck } from './passwords/breaches.ts'
import { openPasswords } from './passwords/hash.ts'
import { openAddressReader } from './request/address.ts'
import { AuthContext, type GraphQLContext, RequestState } from './request/context.ts'
import type { RequestLike, ResponseLike } from './request/message.ts'
import { type OpenContext, type OpenContextNow, openContext, openContextNow } from './request/openContext.ts'
import { openFences } from './revocation/drain.ts'
import { openRevocation } from './revocation/open.ts'
import { openMirror } from './revocation/openMirror.ts'
import { openServices, type Services } from './services/openServices.ts'
import { openSessionEvents } from './sessions/sessionEvents.ts'
import type { AcceptOptions } from './tokens/acceptOptions.ts'
import { accessTokens } from './tokens/accessToken.ts'
import { auditCursors } from './tokens/auditCursor.ts'
import { deviceTokens } from './tokens/deviceToken.ts'
import { formerTokens } from './tokens/formerTokens.ts'
import { oneTimeTokens } from './tokens/oneTimeToken.ts'
import { refreshTokens } from './tokens/refreshToken.ts'
import { loadSecrets } from './tokens/secret.ts'
import { openSigningKeys } from './tokens/signingKeys.ts'

/** Options of createAuth. */
export interface AuthOptions extends Settings, AppOptions {
  /**
   * Where failures and their ids are written, for example a pino logger; default: lines of JSON on standard error. An
   * error comes as `{ err: { type, message, stack, … } }`, without the values of a statement that failed.
   */
  readonly log?: Log | undefined
  /** Other names for what Annul has in the schema. */
  readonly rename?: Rename | undefined
  /** Other bounds of an operation than Annul's (docs/limits.md), for example `{ depth: 12 }`. */
  readonly bounds?: Partial<Bounds> | undefined
}

/** An opened Annul: what a GraphQL server needs to speak the contract and to enforce `@auth`. */
export interface Auth {
  /** Annul's schema with an app's beside it. @throws SchemaError for an `@auth` that could not be enforced */
  schema(extension?: SchemaExtension): GraphQLSchema
  /** A schema of the app's own, with its `@auth` enforced. @throws SchemaError */
  guard(schema: GraphQLSchema): GraphQLSchema
  /** Every field of a schema, with what guards it. @throws SchemaError for a guard that could not be enforced */
  guards(schema: GraphQLSchema): readonly FieldGuard[]
  /** The context of one request. */
  readonly context: OpenContext
  /**
   * Options of Apollo Server: `new ApolloServer({ schema, ...auth.apollo() })`. Plugins of the app stand beside
   * Annul's: `plugins: [...auth.apollo().plugins, mine]`.
   */
  apollo(): ApolloSettings
  /** Whether requests can be decided: from a fresh view, or because the database answers. */
  isReady(): Promise<boolean>
  /**
   * Lets tokens of the system before Annul in until they expire. They die with every kill of their user, as Annul's own
   * do, and are never exchanged for Annul's own: their viewer has no session. Roles and scopes are the user's in Annul.
   * May be called several times, for several systems or keys.
   *
   * @throws TypeError for options that are wrong or not safe; Error after `close`
   * @example
   * auth.accept({
   *   algorithms: ['RS256'],
   *   key: await readFile('former-public-key.pem'),
   *   issuer: 'https://login.example.com',
   *   audience: 'shop',
   *   subject: claims => String(claims.sub),
   *   until: new Date('2027-03-01'),
   * })
   */
  accept(options: AcceptOptions): void
  /** Gives back connections and timers. May be called twice, and at any time. */
  close(): Promise<void>
}

/** @internal An opened Annul with its insides, for Annul's own servers. No public type shows them. */
export interface OpenedAuth extends Omit<Auth, 'context'> {
  readonly parts: Parts
  readonly open: OpenContext
  context: OpenContextNow
  /** The context of an operation on a socket, whose token changes while the operation runs. */
  socketContext(request: RequestLike, presentToken: () => string | undefined): GraphQLContext
  /** Lets through what a client may know of an error, and nothing else. */
  readonly formatError: ReturnType<typeof formatErrors>
  /** What every server checks before it carries an operation out. */
  readonly bounds: OperationBounds
  /** The only operations that are answered; undefined: every operation is. */
  readonly operations: Allowlist | undefined
  /** Tells an operation that lives longer than a request when its token dies. */
  readonly watch: TokenWatch
  /** Decides by the rows of this moment, never from memory. */
  readonly strict: StrictReader
  /** The services that verify, introspect or revoke tokens. */
  readonly services: Services
  /** Ends something that stands on this auth, before its database is closed. */
  beforeClose(end: () => Promise<void>): void
}

/**
 * Opens the database, brings its tables up to date, loads the keys.
 *
 * @param options settings, and what an app adds; what is not given is read from the environment
 * @throws TypeError for an unknown option, or one of the wrong type; ConfigError, DirectoryInUseError,
 *   WrongSecretError, or the driver's error when the database can't be reached
 * @example
 * const auth = await createAuth({ databaseUrl: process.env.DATABASE_URL })
 * const schema = auth.schema({ typeDefs, resolvers })
 * const apollo = new ApolloServer({ schema, ...auth.apollo() })
 * await startStandaloneServer(apollo, { context: auth.context })
 */
export async function createAuth(options: AuthOptions = {}): Promise<Auth> {
  const config = readOptions({ ...options }, process.env, ['log', 'rename', 'bounds', ...appOptionNames])
  const log = options.log === undefined ? openLog(config.logLevel) : withSafeErrors(checkLog(options.log))
  return withoutInsides(await openAuth(config, log, options))
}

/** @internal Settings of an app, completed by the environment. */
export function readSettings(settings: Settings): Config {
  return readOptions({ ...settings }, process.env, [], 'startServer')
}

const insides = new WeakMap<Auth, OpenedAuth>()

/** @internal The part of an opened Annul that an app may hold: no key and no database can be reached from it. */
export function withoutInsides(opened: OpenedAuth): Auth {
  const { schema, guard, guards, open, apollo, isReady, accept, close } = opened
  const auth = { schema, guard, guards, context: open, apollo, isReady, accept, close }
  insides.set(auth, opened)
  return auth
}

/** @internal What withoutInsides has put away, for the adapters of servers. @throws TypeError */
export function insidesOf(auth: Auth): OpenedAuth {
  const opened = insides.get(auth)
  if (opened === undefined) throw new TypeError('"auth" must be what createAuth has returned.')
  return opened
}

/** @internal As createAuth. */
export async function openAuth(
  config: Config,
  log: Log,
  options: AppOptions & Pick<AuthOptions, 'rename' | 'bounds'> = {},
): Promise<OpenedAuth> {
  const app = openApp(options, log)
  const { rename } = options
  const bounds = openBounds(options.bounds, rename)
  // A name that can't be is told before anything is opened.
  if (rename !== undefined) checkRename(readContract(), rename)
  const operations =
    config.operations === undefined
      ? undefined
      : openAllowlist(await readManifest(config.operations), bounds.tokens)
  const database = await openDatabase(config)
  try {
    return await openWith(database, config, log, app, { bounds, operations }, rename)
  } catch (error) {
    await database.close()
    throw error
  }
}

async function openWith(
  database: OpenDatabase,
  config: Config,
  log: Log,
  app: App,
  { bounds, operations }: Pick<OpenedAuth, 'bounds' | 'operations'>,
  rename: Rename = {},
): Promise<OpenedAuth> {
  const { db, decisions, embedded } = database
  const { secret, previous } = await loadSecrets(config)
  const mirror = await openMirror(config, log)
  const revocation = openRevocation(config, db, log)
  const clock = await openClock(db, revocation)
  const keys = await openSigningKeys(db, secret, clock.now, log, {
    previous,
    algorithm: config.signingAlgorithm,
    revoked: revocation.view,
  })
  const { issuer, audience, mfaRoles } = config
  const metrics = openMetrics()
  const sending = { app, config, db, log, metrics, oneTimeTokens: oneTimeTokens(secret, previous) }
  const parts: Parts = {
    ...sending,
    decisions,
    clock,
    keys,
    accessTokens: accessTokens({ keys, issuer, audience, mfaRoles, now: clock.now }),
    formerTokens: formerTokens({ config, ownKeys: () => keys.jwks().keys, now: clock.now, log }),
    refreshTokens: refreshTokens(secret, previous),
    deviceTokens: deviceTokens(secret, previous),
    auditCursors: auditCursors(secret, previous),
    passwords: await openPasswords({
      secret,
      secretPrevious: previous,
      isBreached: openBreachCheck(config.breachUrl, metrics.breachChecked),
      onHash: metrics.hashed,
    }),
    totp: openTotp(secret, previous, config.siteName),
    passkeyChallenges: passkeyChallenges(secret, previous),
    limits: openLimits({
      secret,
      store: embedded ? memoryStore() : databaseStore(db),
      isOn: config.limits,
      metrics,
      log,
    }),
    revocation,
    fences: openFences(database, log),
    mails: await openMails(sending, { production: process.env.NODE_ENV === 'production' }),
  }
  await rotateToAlgorithm(parts)
  measure(parts)
  const stopHousekeeping = startHousekeeping(parts, error => log.warn({ err: error }, 'Housekeeping failed.'))
  // Until the view is fresh, the primary is asked.
  revocation
    .start()
    .then(() => mirror.start(revocation.feed))
    .catch(error => log.error({ err: error }, 'The revocation log can not be read.'))
  const stopTellingKeys = tellKeys(parts)
  const stopRecording = keepRecordingFollowers(parts)
  const strict = openStrictReader(decisions, clock)
  const watch = openTokenWatch(parts, strict)
  const sessionEvents = openSessionEvents(parts)
  const services = {
    parts,
    authenticator: openAuthenticator(parts, strict),
    sessionEvents,
    addressOf: openAddressReader(config.trustedProxies),
  }

  const standing: (() => Promise<void>)[] = []
  let closing: Promise<void> | undefined
  const closeAll = async () => {
    await Promise.all(standing.map(end => end()))
    watch.close()
    sessionEvents.close()
    stopHousekeeping()
    stopTellingKeys()
    stopRecording()
    keys.close()
    await parts.mails.close()
    await revocation.stop()
    await mirror.close()
    await app.events.close()
    await database.close()
  }
  const context = openContextNow(services)
  const formatError = formatErrors(log, { suggests: config.introspection })
  return {
    parts,
    watch,
    strict,
    services: openServices(parts),
    schema: ({ federation = config.federation, ...extension } = {}) =>
      buildSchema({ federation, ...extension }, { rename }),
    guard: schema =>
      guardSchema(schema, rename.directive === undefined ? {} : { directive: rename.directive }),
    guards: listGuards,
    context,
    open: openContext(context),
    socketContext: (request, presentToken) => ({
      auth: new AuthContext(new RequestState(services, request, noCookies, presentToken)),
    }),
    formatError,
    bounds,
    operations,
    apollo: () => apolloSettings(config, { bounds, operations }, formatError),
    beforeClose(end) {
      if (closing) void end()
      else standing.push(end)
    },
    isReady: async () => (config.revocation === 'view' && revocation.isFresh()) || (await database.answers()),
    accept(options) {
      if (closing) throw new Error('accept: this Annul is closed.')
      parts.formerTokens.accept(options)
    },
    close() {
      closing ??= closeAll()
      return closing
    },
  }
}

function measure({ metrics, revocation, passwords }: Parts): void {
  metrics.gauge('annul_view_entries', 'What the view remembers, by kind.', () => ({
    ...revocation.view.size,
  }))
  metrics.gauge(
    'annul_view_age_seconds',
    'The age of the view; NaN: it may not be used.',
    () => (revocation.ageMs() ?? Number.NaN) / 1000,
  )
  metrics.gauge('annul_followers', 'Who decides by the view of this node, by kind.', () => {
    const followers = revocation.feed.list()
    const count = (kind: string) => followers.filter(follower => follower.kind === kind).length
    return { verifiers: count('VERIFIER'), mirrors: count('MIRROR') }
  })
  metrics.gauge('annul_password_hashes_waiting', 'Hashes that wait for their turn.', () => passwords.waiting)
}

/** A socket's answers carry no headers. */
const noCookies: ResponseLike = { appendHeader: () => {} }
