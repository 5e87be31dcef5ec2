import type { GraphQLSchema } from 'graphql'
import { type Config, readConfig } from './config.ts'
import { openClock } from './database/clock.ts'
import { type Database, openDatabase } from './database/open.ts'
import { openAuthenticator } from './decisions/authenticate.ts'
import { openStrictReader } from './decisions/strictReader.ts'
import { openTokenWatch, type TokenWatch } from './decisions/tokenWatch.ts'
import { formatErrors } from './graphql/formatErrors.ts'
import { responsePlugin } from './graphql/responsePlugin.ts'
import { buildSchema, type SchemaExtension } from './graphql/schema.ts'
import { startHousekeeping } from './housekeeping.ts'
import { openMetrics } from './metrics.ts'
import type { Log, Parts } from './parts.ts'
import { openPasswords } from './passwords/hash.ts'
import { type GraphQLContext, openContext, type RequestLike, type ResponseLike } from './request/context.ts'
import { openCookies } from './request/cookies.ts'
import { createRevocation, type RevocationService } from './revocation/createRevocation.ts'
import { embeddedRevocation } from './revocation/embeddedRevocation.ts'
import { postgresStore } from './revocation/postgresStore.ts'
import { openSessionEvents } from './sessions/sessionEvents.ts'
import { accessTokens } from './tokens/accessToken.ts'
import { refreshTokens } from './tokens/refreshToken.ts'
import { loadSecret } from './tokens/secret.ts'
import { openSigningKeys } from './tokens/signingKeys.ts'

/** An opened Annul: what an Apollo Server needs to speak the contract and to enforce `@auth`. */
export interface Auth {
  readonly parts: Parts
  /** Annul's schema with an app's beside it. @throws SchemaError for an `@auth` that could not be enforced */
  schema(extension?: SchemaExtension): GraphQLSchema
  /** The context of one request. Costs no query and never throws. The response takes the cookies. */
  context(request: RequestLike, response: ResponseLike): GraphQLContext
  /** For Apollo Server: lets through what a client may know, and nothing else. */
  readonly formatError: ReturnType<typeof formatErrors>
  /** For Apollo Server: sets the HTTP status, and renews access tokens for clients that ask. */
  readonly plugin: typeof responsePlugin
  /** Tells what lives longer than a request when its token dies. */
  readonly watch: TokenWatch
  /** Whether requests can be decided: from a fresh view, or because the database answers. */
  isReady(): Promise<boolean>
  /** Gives back connections and timers. */
  close(): Promise<void>
}

/**
 * Opens the database, brings its tables up to date, loads the keys.
 *
 * @param config default: from the environment
 * @param log default: nowhere
 * @throws ConfigError, DirectoryInUseError, WrongSecretError, or the driver's error when the database can't be reached
 * @example
 * const auth = await createAuth(readConfig(process.env))
 * const schema = auth.schema({ typeDefs, resolvers })
 * const apollo = new ApolloServer({ schema, formatError: auth.formatError, plugins: [auth.plugin] })
 * const context = async ({ req, res }) => auth.context(req, res)
 */
export async function createAuth(config: Config = readConfig({}), log: Log = silent): Promise<Auth> {
  const database = await openDatabase(config)
  try {
    const { db, decisions } = database
    const metrics = openMetrics()
    const secret = await loadSecret(config)
    const revocation = openRevocation(config, db, log)
    const clock = await openClock(db, revocation)
    const keys = await openSigningKeys(db, secret, clock.now)
    const { issuer, audience } = config
    const parts: Parts = {
      config,
      db,
      decisions,
      clock,
      keys,
      accessTokens: accessTokens({ keys, issuer, audience, now: clock.now }),
      refreshTokens: refreshTokens(secret),
      passwords: await openPasswords(),
      revocation,
      metrics,
      log,
    }
    measure(parts)
    const stopHousekeeping = startHousekeeping(db, error => log.warn({ err: error }, 'Housekeeping failed.'))
    // Until the view is fresh, the primary is asked.
    revocation.start().catch(error => log.error({ err: error }, 'The revocation log can not be read.'))
    const strict = openStrictReader(decisions, clock)
    const authenticator = openAuthenticator(parts, strict)
    const watch = openTokenWatch(parts, strict)
    const sessionEvents = openSessionEvents(parts)
    const services = { parts, authenticator, sessionEvents }
    return {
      parts,
      schema: buildSchema,
      context: (request, response) => ({
        auth: openContext(services, request, openCookies(config, request, response)),
      }),
      formatError: formatErrors(log),
      plugin: responsePlugin,
      watch,
      isReady: async () =>
        (config.revocation === 'view' && revocation.isFresh()) || (await database.answers()),
      async close() {
        watch.close()
        sessionEvents.close()
        stopHousekeeping()
        keys.close()
        await revocation.stop()
        await database.close()
      },
    }
  } catch (error) {
    await database.close()
    throw error
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

/** How this node learns of revocations, and makes the others learn of its own. */
export function openRevocation(
  config: Pick<Config, 'databaseUrl' | 'leaseMs'>,
  db: Database,
  log: Log = silent,
): RevocationService {
  if (config.databaseUrl === undefined) return embeddedRevocation(db)
  let toldAt = Number.NEGATIVE_INFINITY
  return createRevocation({
    store: postgresStore(config.databaseUrl),
    leaseMs: config.leaseMs,
    onError(error) {
      // It is tried ten times a second: an outage is told of, not recited.
      if (performance.now() - toldAt < toldEveryMs) return
      toldAt = performance.now()
      log.warn({ err: error }, 'The revocation log can not be followed; trying again.')
    },
  })
}

const toldEveryMs = 10_000

const silent: Log = { info: () => {}, warn: () => {}, error: () => {} }
