import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { appendFileSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import postgres from 'postgres'
import { startPostgres } from './postgres.js'

/* Starts one real PostgreSQL for the run. Each test file copies its own database from the migrated template. */
export default async function globalSetup() {
  const dir = mkdtempSync(join(tmpdir(), 'annul-test-'))
  process.env.TEST_DIR = dir
  process.env.TEST_LOG = join(dir, 'nodes.log')
  if (process.env.TEST_DATABASE === 'pglite') {
    migrate({ ANNUL_DATA_DIR: join(dir, 'template') })
    const embedded = await PGlite.create(join(dir, 'template', 'database'))
    await embedded.exec(keepMails)
    return embedded.close()
  }
  const serverLog = join(dir, 'postgres.log')
  process.env.TEST_POSTGRES_LOG = serverLog
  const started = await startPostgres({ onLog: line => appendFileSync(serverLog, line) })
  globalThis.__postgres = started
  process.env.TEST_POSTGRES_URL = started.url
  await started.createDatabase('annul_template')
  const url = started.urlOf('annul_template')
  migrate({ DATABASE_URL: url })
  const sql = postgres(url, { max: 1, onnotice: () => {} })
  await sql.unsafe(keepMails)
  await sql.end()
}

/** A mail leaves the outbox as soon as it is sent. Tests read here which mails were queued (support/outbox.ts). */
const keepMails = `
  create schema tests;
  create table tests.queued_mails (like annul.outbox);
  create function keep_mail() returns trigger language plpgsql as
    'begin insert into tests.queued_mails select new.*; return new; end';
  create trigger keep_mail after insert on annul.outbox for each row execute function keep_mail()`

function migrate(settings) {
  const env = { ...process.env, ANNUL_SECRET: randomBytes(32).toString('base64'), ...settings }
  execFileSync(process.execPath, ['dist/main.js', 'migrate'], { env })
}
