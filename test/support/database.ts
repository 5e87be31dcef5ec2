import { randomBytes } from 'node:crypto'
import { cp, mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import postgres from 'postgres'

/** The database of this run. The whole suite runs on PostgreSQL and on the embedded database. */
export const onPostgres = process.env.TEST_DATABASE !== 'pglite'

export interface TestDatabase {
  /** The settings that lead a node to it. */
  readonly env: Record<string, string>
}

/** A fresh, migrated database: of PostgreSQL, or an embedded one in a directory of its own. */
export async function createDatabase(): Promise<TestDatabase> {
  return onPostgres
    ? // The folder is for mails, which are files where no SMTP server is set.
      { env: { DATABASE_URL: await createPostgresDatabase(), ANNUL_DATA_DIR: await temporaryDirectory() } }
    : { env: { ANNUL_DATA_DIR: await dataDir() } }
}

const ahead: Promise<string>[] = []

/** A fresh, migrated PostgreSQL database. @returns its URL */
export async function createPostgresDatabase(): Promise<string> {
  // A process that needs hundreds of databases has some made while the tests run.
  const spare = Number(process.env.TEST_DATABASES_AHEAD ?? 0)
  while (ahead.length <= spare) ahead.push(copyTemplate())
  return (await ahead.shift()) ?? copyTemplate()
}

async function copyTemplate(): Promise<string> {
  const url = new URL(variable('TEST_POSTGRES_URL'))
  const name = `test_${randomBytes(6).toString('hex')}`
  const admin = postgres(url.href, { max: 1, onnotice: () => {} })
  // Only one copy of a template at a time.
  await admin.unsafe('select pg_advisory_lock(1)')
  await admin.unsafe(`create database ${name} template annul_template`)
  await admin.end()
  url.pathname = `/${name}`
  return url.href
}

/** A new directory, which is removed after the run. */
export function temporaryDirectory(): Promise<string> {
  return mkdtemp(join(variable('TEST_DIR'), 'dir-'))
}

async function dataDir(): Promise<string> {
  const dir = await temporaryDirectory()
  await cp(join(variable('TEST_DIR'), 'template'), dir, { recursive: true })
  return dir
}

export function variable(name: string): string {
  const value = process.env[name]
  if (value === undefined) throw new Error(`${name} is not set: run the tests by "npm test".`)
  return value
}
