import { type SQL, sql } from 'drizzle-orm'
import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core'
import { drizzle } from 'drizzle-orm/postgres-js'
import { migrate } from 'drizzle-orm/postgres-js/migrator'
import postgres from 'postgres'
import type { Config } from '../config.ts'
import { loadOptional } from '../optional.ts'
import { packageFolder } from '../packageFolder.ts'
import { fromDriver } from './outage.ts'
import { openPool } from './pool.ts'

/** What runs statements: the database, or a transaction that is open on it. The same for both drivers. */
export type Queries = Pick<
  PgDatabase<PgQueryResultHKT>,
  'select' | 'insert' | 'update' | 'delete' | 'with' | 'execute' | '$with'
>

export type Database = PgDatabase<PgQueryResultHKT>

/** The opened database. To its users the two kinds are alike. */
export interface OpenDatabase {
  /** Verbs and their transactions. */
  readonly db: Database
  /** Short statements that requests wait for, with a deadline of 1 s. No slow statement is queued before them. */
  readonly decisions: Database
  /** Whether it is the embedded database, which serves a single process. */
  readonly embedded: boolean
  /** Whether the database answers right now. */
  answers(): Promise<boolean>
  close(): Promise<void>
}

/** The rows of a statement that is written out in SQL. The caller states their shape. */
export async function rows<Row>(queries: Pick<Queries, 'execute'>, statement: SQL): Promise<Row[]> {
  return rowsOf(await queries.execute(statement))
}

/** `postgres` answers with the rows, PGlite with an object around them. */
export function rowsOf<Row>(answer: unknown): Row[] {
  return Array.isArray(answer) ? (answer as Row[]) : (answer as { rows: Row[] }).rows
}

/** The first row of a statement that always has one. */
export async function oneRow<Row>(queries: Pick<Queries, 'execute'>, statement: SQL): Promise<Row> {
  return firstOf(await rows<Row>(queries, statement))
}

/** The first of rows that are never none. */
export function firstOf<Row>([row]: readonly Row[]): Row {
  if (row === undefined) throw new Error('A statement that always answers with a row answered with none.')
  return row
}

/**
 * Opens PostgreSQL (`databaseUrl`) or the embedded database in `dataDir`, and brings its tables up to date.
 *
 * @throws Error where the embedded database is not installed
 * @throws DirectoryInUseError when another process has the embedded database open
 * @throws OutageError when the database can't be reached
 */
export async function openDatabase(config: Pick<Config, 'databaseUrl' | 'dataDir'>): Promise<OpenDatabase> {
  if (config.databaseUrl !== undefined) return openPostgres(config.databaseUrl)
  const { openEmbedded } = await loadOptional(
    'Without a databaseUrl (DATABASE_URL), the embedded database',
    ['@electric-sql/pglite'],
    () => import('./embedded.ts'),
  )
  const { db, close } = await openEmbedded(config.dataDir, migrations())
  return { db, decisions: db, embedded: true, answers: () => answers(db), close }
}

function answers(queries: Queries): Promise<boolean> {
  return oneRow(queries, sql`select 1`).then(
    () => true,
    () => false,
  )
}

/** Where drizzle finds the migrations, and where it notes which of them are done. */
const migrations = () => ({
  migrationsFolder: packageFolder('drizzle'),
  migrationsSchema: 'annul',
  migrationsTable: 'migrations',
})

async function openPostgres(url: string): Promise<OpenDatabase> {
  await migrateOnce(url)
  const verbs = openPool(url, { name: 'annul', connections: 10, statementMs: 5000, transactionMs: 20_000 })
  const decisions = openPool(url, {
    name: 'annul-decisions',
    connections: 2,
    statementMs: 1000,
    transactionMs: 1000,
  })
  const quick = drizzle(decisions)
  return {
    db: drizzle(verbs),
    decisions: quick,
    embedded: false,
    answers: () => answers(quick),
    close: async () => {
      await Promise.all([verbs.end({ timeout: 5 }), decisions.end({ timeout: 1 })])
    },
  }
}

/** Several nodes may start at once: an advisory lock lets one migrate while the others wait. */
async function migrateOnce(url: string): Promise<void> {
  const from = migrations()
  const client = postgres(url, {
    max: 1,
    connect_timeout: 5,
    onnotice: () => {},
    connection: { application_name: 'annul-migrate' },
  })
  try {
    const db = drizzle(client)
    await db.execute(sql`select pg_advisory_lock(hashtext('annul.migrations'))`)
    await migrate(db, from)
  } catch (error) {
    throw fromDriver(error)
  } finally {
    await client.end({ timeout: 1 })
  }
}
