import { randomBytes } from 'node:crypto'
import { appendFileSync } from 'node:fs'
import { type SQL, sql } from 'drizzle-orm'
import type { AppOptions } from '../../src/app/options.ts'
import { type Config, readConfig } from '../../src/config.ts'
import { rows } from '../../src/database/open.ts'
import type { Bounds } from '../../src/graphql/bounds/limits.ts'
import type { SchemaExtension } from '../../src/graphql/schema.ts'
import { type OpenedServer, openServer } from '../../src/http/server.ts'
import { type Client, createClient, noteSecrets } from './client.ts'
import { createDatabase, onPostgres, type TestDatabase, variable } from './database.ts'
import { useFixture } from './useFixture.ts'

/** A node on a free port, and a client of it. The log is searched for secrets when the run is over. */
export interface TestServer extends OpenedServer, Client {
  readonly database: TestDatabase
  /** The settings of the node. A second node with the same settings has the same database and the same secret. */
  readonly env: Record<string, string>
  /** Runs a statement on the database of the node. */
  rows<Row>(statement: SQL): Promise<Row[]>
}

export interface TestServerOptions {
  readonly env?: Record<string, string>
  /** Settings beyond the ranges that the environment allows. */
  readonly config?: Partial<Config>
  readonly database?: TestDatabase
  readonly extension?: SchemaExtension
  readonly app?: AppOptions
  /** Other bounds of an operation. */
  readonly bounds?: Partial<Bounds>
  readonly onLogLine?: (line: string) => void
}

export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const database = options.database ?? (await createDatabase())
  // A short lease: a node that has just started waits for one lease.
  const env = {
    PORT: '0',
    ANNUL_LEASE_MS: '500',
    ANNUL_SECRET: randomBytes(32).toString('base64'),
    // Every test comes from one address. The tests of limits turn them on.
    ANNUL_LIMITS: 'off',
    ...database.env,
    ...options.env,
  }
  noteSecrets(env.ANNUL_SECRET)
  const server = await openServer(
    { ...readConfig(env), ...options.config },
    {
      ...(options.extension && { extension: options.extension }),
      ...options.app,
      ...(options.bounds && { bounds: options.bounds }),
      logStream: {
        write(line) {
          appendFileSync(variable('TEST_LOG'), line)
          options.onLogLine?.(line)
        },
      },
    },
  )
  return {
    ...server,
    ...createClient(server.url),
    database,
    env,
    rows: statement => rows(server.auth.parts.db, statement),
  }
}

/**
 * A server for all tests of the calling file or `describe`.
 *
 * @param options a function is called before the first test, and may use what other fixtures have opened
 * @example
 * const server = useServer({ env: { ANNUL_BIND: 'ip' } })
 */
export function useServer(
  options: TestServerOptions | (() => TestServerOptions | Promise<TestServerOptions>) = {},
): TestServer {
  return useFixture(async () => startTestServer(typeof options === 'function' ? await options() : options))
}

/**
 * A second node on the first one's database, for all tests of the calling file or `describe`. The embedded database
 * serves a single process, so there the second node is the first one.
 */
export function useSecondNode(first: TestServer): TestServer {
  return onPostgres ? useServer(() => ({ database: first.database, env: first.env })) : first
}

/** Gives a user the role `admin`. The next access token carries it. */
export async function makeAdmin(server: Pick<TestServer, 'rows'>, email: string): Promise<void> {
  await server.rows(sql`update annul.users set roles = '{admin}' where email_key = ${email}`)
}
