import { sql } from 'drizzle-orm'
import type { Config } from '../config.ts'
import { rows } from '../database/open.ts'
import { type OpenedServer, openServer } from '../http/server.ts'
import { adminRole } from '../viewer.ts'

/** In-flight requests get this long after a signal. */
const graceMs = 20_000

/** `annul serve`: starts, says where, and stops on SIGTERM or SIGINT. Logs go to standard error. */
export async function serve(config: Config): Promise<void> {
  const server = await openServer(config, { logStream: process.stderr })
  const stop = () => {
    // What does not end by then is cut off; nothing acknowledged is lost by that.
    setTimeout(() => process.exit(1), graceMs).unref()
    server.close().then(
      () => process.exit(0),
      () => process.exit(1),
    )
  }
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)

  const lines = [`Annul is ready at ${server.url}/graphql`]
  if (config.databaseUrl === undefined)
    lines.push(
      `The embedded database in ${config.dataDir} serves this one process. For more nodes set DATABASE_URL to a PostgreSQL server.`,
    )
  if (!(await hasAdmin(server))) lines.push(...howToMakeAdmin(config))
  process.stdout.write(`${lines.join('\n')}\n`)
}

async function hasAdmin({ auth }: OpenedServer): Promise<boolean> {
  const found = await rows(
    auth.parts.db,
    sql`select 1 from annul.users where ${adminRole} = any(roles) limit 1`,
  )
  return found.length > 0
}

function howToMakeAdmin(config: Config): string[] {
  const command = `  node dist/main.js create-user --email you@example.com --roles ${adminRole}`
  return config.databaseUrl === undefined
    ? ['There is no admin yet. To make one, stop Annul, run this, and start it again:', command]
    : ['There is no admin yet. To make one:', command]
}
