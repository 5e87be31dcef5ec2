import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { appendFileSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres } from './postgres.js'

/* Starts one real PostgreSQL for the run. Each test file copies its own database from the migrated template. */
export default async function globalSetup() {
  const dir = mkdtempSync(join(tmpdir(), 'annul-test-'))
  process.env.TEST_DIR = dir
  process.env.TEST_LOG = join(dir, 'nodes.log')
  if (process.env.TEST_DATABASE === 'pglite') return migrate({ ANNUL_DATA_DIR: join(dir, 'template') })
  const serverLog = join(dir, 'postgres.log')
  process.env.TEST_POSTGRES_LOG = serverLog
  const postgres = await startPostgres({ onLog: line => appendFileSync(serverLog, line) })
  globalThis.__postgres = postgres
  process.env.TEST_POSTGRES_URL = postgres.url
  await postgres.createDatabase('annul_template')
  migrate({ DATABASE_URL: postgres.urlOf('annul_template') })
}

function migrate(settings) {
  const env = { ...process.env, ANNUL_SECRET: randomBytes(32).toString('base64'), ...settings }
  execFileSync(process.execPath, ['dist/main.js', 'migrate'], { env })
}
