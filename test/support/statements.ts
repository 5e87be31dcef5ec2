import { randomBytes } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import postgres from 'postgres'
import { createPostgresDatabase, type TestDatabase, variable } from './database.ts'

/** A node's timer asks for due mails, whatever requests there are. What a request writes to the outbox is counted. */
const pollsOutbox = /^(update "annul"\."outbox" set "attempts"|select count\(\*\) from "annul"\."outbox"$)/

/** A database whose PostgreSQL logs each statement, so that statements are counted without any code of Annul. */
export interface LoggedDatabase extends TestDatabase {
  /** The statements that nodes have sent since the last call. */
  statements(): Promise<string[]>
  close(): Promise<void>
}

export async function createLoggedDatabase(): Promise<LoggedDatabase> {
  const url = await createPostgresDatabase()
  const name = new URL(url).pathname.slice(1)
  const settings = { max: 1, onnotice: () => {}, connection: { application_name: 'test' } }
  const admin = postgres(variable('TEST_POSTGRES_URL'), settings)
  await admin.unsafe(`alter database ${name} set log_statement = 'all'`)
  await admin.end()

  const own = postgres(url, settings)
  const file = variable('TEST_POSTGRES_LOG')
  let from = statSync(file).size

  return {
    env: { DATABASE_URL: url },
    async statements() {
      // Statements that were answered before the marker was sent stand before it in the log.
      const marker = `marker_${randomBytes(6).toString('hex')}`
      await own.unsafe(`select '${marker}'`)
      const log = await until(() => {
        const text = readFileSync(file).subarray(from).toString()
        return text.includes(marker) ? text : undefined
      })
      from += Buffer.byteLength(log)
      return log
        .split(/\n(?=[^|\n\t]*\|[^|\n]*\|)/)
        .filter(line => new RegExp(`^annul(-decisions)?\\|${name}\\|LOG:`).test(line))
        .flatMap(line => /LOG: {2}(?:statement|execute [^:]*): ([\s\S]*)/.exec(line)?.[1] ?? [])
        .filter(statement => !pollsOutbox.test(statement))
    },
    close: () => own.end(),
  }
}

/** Asks again until there is an answer. */
async function until<T>(ask: () => T | undefined): Promise<T> {
  for (const deadline = Date.now() + 10_000; Date.now() < deadline; await delay(5)) {
    const answer = ask()
    if (answer !== undefined) return answer
  }
  throw new Error('The statement log did not show the marker.')
}
