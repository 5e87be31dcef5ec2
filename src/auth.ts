import type { GraphQLSchema } from 'graphql'
import { type Config, readConfig } from './config.ts'
import { openClock } from './database/clock.ts'
import { type OpenDatabase, openDatabase } from './database/open.ts'
import { openAuthenticator } from './decisions/authenticate.ts'
import { openStrictReader } from './decisions/strictReader.ts'
import { openTokenWatch, type TokenWatch } from './decisions/tokenWatch.ts'
import { formatErrors } from './graphql/formatErrors.ts'
import { responsePlugin } from './graphql/responsePlugin.ts'
import { buildSchema, type SchemaExtension } from './graphql/schema.ts'
import { startHousekeeping } from './housekeeping.ts'
import { type Log, openLog, withSafeErrors } from './log.ts'
import { openMetrics } from './metrics.ts'
import type { Parts } from './parts.ts'
import { openPasswords } from './passwords/hash.ts'
import { openAddressReader } from './request/address.ts'
import { AuthContext, type GraphQLContext, RequestState } from './request/context.ts'
import type { RequestLike, ResponseLike } from './request/message.ts'
import { openFences } from './revocation/drain.ts'
import { openRevocation } from './revocation/open.ts'
import { openSessionEvents } from './sessions/sessionEvents.ts'
import { accessTokens } from './tokens/accessToken.ts'
import { refreshTokens } from './tokens/refreshToken.ts'
import { loadSecret } from './tokens/secret.ts'
import { openSigningKeys } from './tokens/signingKeys.ts'

/** An opened Annul: what an Apollo Server needs to speak the contract and to enforce `@auth`. */
export interface Auth {
  /** Annul's schema with an app's beside it. @throws SchemaError for an `@auth` that could not be enforced */
  schema(extension?: SchemaExtension): GraphQLSchema
  /** The context of one request. Costs no query and never throws. The response takes the cookies. */
  context(request: RequestLike, response: ResponseLike): GraphQLContext
  /** For Apollo Server: lets through what a client may know, and nothing else. */
  readonly formatError: ReturnType<typeof formatErrors>
  /** For Apollo Server: sets the HTTP status, and renews access tokens for clients that ask. */
  readonly plugin: typeof responsePlugin
  /** Whether requests can be decided: from a fresh view, or because the database answers. */
  isReady(): Promise<boolean>
  /** Gives back connections and timers. May be called twice, and at any time. */
  close(): Promise<void>
}

/** @internal An opened Annul with its insides, for Annul's own server. No public type shows them. */
export interface OpenedAuth extends Auth {
  readonly parts: Parts
  /** The context of an operation on a socket, whose token changes while the operation runs. */
  socketContext(request: RequestLike, presentToken: () => string | undefined): GraphQLContext
  /** Tells an operation that lives longer than a request when its token dies. */
  readonly watch: TokenWatch
}

/**
 * Opens the database, brings its tables up to date, loads the keys.
 *
 * @param config default: from the environment
 * @param log where failures and their ids are written, for example a pino logger; default: lines of JSON on standard
 *   error. An error comes as `{ err: { type, message, stack, … } }`, without the values of a statement that failed
 * @throws ConfigError, DirectoryInUseError, WrongSecretError, or the driver's error when the database can't be reached
 * @example
 * const auth = await createAuth()
 * const schema = auth.schema({ typeDefs, resolvers })
 * const apollo = new ApolloServer({ schema, formatError: auth.formatError, plugins: [auth.plugin] })
 * const context = async ({ req, res }) => auth.context(req, res)
 */
export async function createAuth(config: Config = readConfig(process.env), log?: Log): Promise<Auth> {
  return withoutInsides(await openAuth(config, log ? withSafeErrors(log) : openLog(config.logLevel)))
}

/** @internal The part of an opened Annul that an app may hold: no key and no database can be reached from it. */
export function withoutInsides({ schema, context, formatError, plugin, isReady, close }: OpenedAuth): Auth {
  return { schema, context, formatError, plugin, isReady, close }
}

/** @internal As createAuth. */
export async function openAuth(config: Config, log: Log): Promise<OpenedAuth> {
  const database = await openDatabase(config)
  try {
    return await openWith(database, config, log)
  } catch (error) {
    await database.close()
    throw error
  }
}

async function openWith(database: OpenDatabase, config: Config, log: Log): Promise<OpenedAuth> {
  const { db, decisions } = database
  const secret = await loadSecret(config)
  const revocation = openRevocation(config, db, log)
  const clock = await openClock(db, revocation)
  const keys = await openSigningKeys(db, secret, clock.now, log)
  const { issuer, audience } = config
  const parts: Parts = {
    config,
    db,
    decisions,
    clock,
    keys,
    accessTokens: accessTokens({ keys, issuer, audience, now: clock.now }),
    refreshTokens: refreshTokens(secret),
    passwords: await openPasswords({ secret }),
    revocation,
    fences: openFences(database, log),
    metrics: openMetrics(),
    log,
  }
  measure(parts)
  const stopHousekeeping = startHousekeeping(parts, error => log.warn({ err: error }, 'Housekeeping failed.'))
  // Until the view is fresh, the primary is asked.
  revocation.start().catch(error => log.error({ err: error }, 'The revocation log can not be read.'))
  const strict = openStrictReader(decisions, clock)
  const watch = openTokenWatch(parts, strict)
  const sessionEvents = openSessionEvents(parts)
  const services = {
    parts,
    authenticator: openAuthenticator(parts, strict),
    sessionEvents,
    addressOf: openAddressReader(config.trustedProxies),
  }

  let closing: Promise<void> | undefined
  const closeAll = async () => {
    watch.close()
    sessionEvents.close()
    stopHousekeeping()
    keys.close()
    await revocation.stop()
    await database.close()
  }
  return {
    parts,
    watch,
    schema: buildSchema,
    context: (request, response) => ({
      auth: new AuthContext(new RequestState(services, request, response)),
    }),
    socketContext: (request, presentToken) => ({
      auth: new AuthContext(new RequestState(services, request, noCookies, presentToken)),
    }),
    formatError: formatErrors(log, { suggests: config.introspection }),
    plugin: responsePlugin,
    isReady: async () => (config.revocation === 'view' && revocation.isFresh()) || (await database.answers()),
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
  metrics.gauge('annul_password_hashes_waiting', 'Hashes that wait for their turn.', () => passwords.waiting)
}

/** A socket's answers carry no headers. */
const noCookies: ResponseLike = { appendHeader: () => {} }
