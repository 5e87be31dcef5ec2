import postgres from 'postgres'
import { variable } from '../../support/database.ts'

let seen = new Set<string>()

/**
 * Drops the databases of tests that are over: somebody was connected once, and nobody at this call and at the one
 * before.
 */
export async function dropUnusedDatabases(): Promise<void> {
  const sql = postgres(variable('TEST_POSTGRES_URL'), { max: 1, onnotice: () => {} })
  const idle = await sql<{ datname: string }[]>`
    select datname from pg_stat_database d where datname like 'test\_%' and sessions > 0
      and not exists (select from pg_stat_activity a where a.datname = d.datname)`
  for (const { datname } of idle) if (seen.has(datname)) await sql.unsafe(`drop database ${datname}`)
  seen = new Set(idle.map(({ datname }) => datname))
  await sql.end()
}
