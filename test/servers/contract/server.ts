import { randomBytes } from 'node:crypto'
import { appendFileSync } from 'node:fs'
import { type SQL, sql } from 'drizzle-orm'
import type { GraphQLSchema } from 'graphql'
import { type Auth, createAuth, insidesOf, type OpenedAuth } from '../../../src/auth.ts'
import { rows } from '../../../src/database/open.ts'
import type { SchemaExtension } from '../../../src/graphql/schema.ts'
import type { Log } from '../../../src/log.ts'
import type { Settings } from '../../../src/options.ts'
import {
  type Account,
  type Client,
  createClient,
  noteSecrets,
  postOperation,
  type TokensAnswer,
} from '../../support/client.ts'
import { createDatabase, variable } from '../../support/database.ts'
import { useFixture } from '../../support/useFixture.ts'
import { type App, createApp } from './app.ts'
import type { Subscribe } from './subscribe.ts'

/** What a server is started with. */
export interface Assignment {
  readonly settings: Settings
  readonly extension: SchemaExtension
  /** For createAuth. */
  readonly log: Log
  /** Each line of a server that writes lines of JSON itself. */
  readonly onLogLine: (line: string) => void
  /** The server is to hand requests over without the client's address. Only where `abilities.hidesAddress` is set. */
  readonly hidesAddress: boolean
}

/** A server that listens. */
export interface Started {
  /** The origin, without a slash at its end. GraphQL is at /graphql. */
  readonly url: string
  readonly auth: Auth
  /** Ends the server, and then its auth. */
  close(): Promise<void>
}

export type Start = (assignment: Assignment) => Promise<Started>

/** What a server has beside queries and mutations. */
export interface Abilities {
  /** How its clients subscribe. */
  readonly subscribe?: Subscribe
  /** Whether there are apps of this server in which the client's address is not known. */
  readonly hidesAddress?: boolean
}

/**
 * A server that stands on createAuth. Its auth is opened here, and closed after the server.
 *
 * @param serve makes a server of the schema, and lets it listen on 127.0.0.1
 */
export function serving(
  serve: (
    auth: Auth,
    schema: GraphQLSchema,
    assignment: Assignment,
  ) => Promise<{ url: string; close(): Promise<unknown> }>,
): Start {
  return async assignment => {
    const auth = await createAuth({ ...assignment.settings, log: assignment.log })
    try {
      const { url, close } = await serve(auth, auth.schema(assignment.extension), assignment)
      return {
        url,
        auth,
        async close() {
          await close()
          await auth.close()
        },
      }
    } catch (error) {
      await auth.close()
      throw error
    }
  }
}

/** A started server as the cases use it: a client of it, its app, and its insides. */
export interface ContractServer extends Client {
  readonly url: string
  readonly app: App
  readonly auth: OpenedAuth
  /** Of the database and the secret. */
  readonly settings: Settings
  /** What was logged as an error. */
  readonly errors: Record<string, unknown>[]
  rows<Row>(statement: SQL): Promise<Row[]>
  /** The whole answer, with its text. */
  post(
    query: string,
    options?: { token?: string; headers?: Record<string, string>; variables?: unknown },
  ): Promise<{ status: number; text: string; extensions: Record<string, unknown> | undefined }>
  /** A new access token of the account, with these roles and scopes. */
  tokenWith(account: Account, roles: string[], scopes?: string[]): Promise<string>
  close(): Promise<void>
}

export interface ContractOptions {
  readonly settings?: Settings
  /** Another server, whose database is used. */
  readonly beside?: ContractServer
  readonly hidesAddress?: boolean
}

/** A server of the contract, for all tests of the calling `describe`. */
export function useContractServer(
  start: Start,
  options: () => ContractOptions | Promise<ContractOptions> = () => ({}),
): ContractServer {
  return useFixture(async () => startContractServer(start, await options()))
}

async function startContractServer(start: Start, options: ContractOptions): Promise<ContractServer> {
  const settings = { ...(options.beside?.settings ?? (await newSettings())), ...options.settings }
  const app = createApp()
  const errors: Record<string, unknown>[] = []
  const onLogLine = (line: string) => {
    // globalTeardown.js searches this file for secrets.
    appendFileSync(variable('TEST_LOG'), line.endsWith('\n') ? line : `${line}\n`)
    const written = JSON.parse(line)
    if (written.level >= 50) errors.push(written)
  }
  const logAs = (level: number) => (details: object, msg: string) =>
    onLogLine(JSON.stringify({ level, ...details, msg }))
  const { url, auth, close } = await start({
    settings,
    extension: app.extension,
    log: { info: logAs(30), warn: logAs(40), error: logAs(50) },
    onLogLine,
    hidesAddress: options.hidesAddress ?? false,
  })
  const client = createClient(url)
  const opened = insidesOf(auth)
  const run: ContractServer['rows'] = statement => rows(opened.parts.db, statement)
  return {
    ...client,
    url,
    app,
    auth: opened,
    settings,
    errors,
    rows: run,
    async post(query, options) {
      const response = await postOperation(url, query, options)
      const text = await response.text()
      return { status: response.status, text, extensions: JSON.parse(text).extensions }
    },
    async tokenWith(account, roles, scopes = []) {
      const list = (items: string[]) =>
        sql`array(select jsonb_array_elements_text(${JSON.stringify(items)}::jsonb))`
      await run(
        sql`update annul.users set roles = ${list(roles)}, scopes = ${list(scopes)} where id = ${account.userId}`,
      )
      return (await client.login(account)).accessToken
    },
    close,
  }
}

/** Of a database of its own. A short lease: a node that has just started waits for one lease. */
async function newSettings(): Promise<Settings> {
  const { env } = await createDatabase()
  const secret = randomBytes(32).toString('base64')
  noteSecrets(secret)
  return {
    host: '127.0.0.1',
    port: 0,
    secret,
    leaseMs: 500,
    ...(env.DATABASE_URL && { databaseUrl: env.DATABASE_URL }),
    ...(env.ANNUL_DATA_DIR && { dataDir: env.ANNUL_DATA_DIR }),
  }
}

export type SignedUp = Account & TokensAnswer
