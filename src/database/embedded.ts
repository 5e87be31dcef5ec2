import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { PGlite, type Transaction } from '@electric-sql/pglite'
import type { MigrationConfig } from 'drizzle-orm/migrator'
import { drizzle } from 'drizzle-orm/pglite'
import { migrate } from 'drizzle-orm/pglite/migrator'
import { lockDirectory } from './lockDirectory.ts'
import { makeOwnFolder } from './ownerOnly.ts'
import { traceStatement } from './traceStatement.ts'

/* In a file of its own, because an app on PostgreSQL does not install PGlite. */

/** @throws DirectoryInUseError when another process has the database open */
export async function openEmbedded(dataDir: string, migrations: MigrationConfig) {
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  const unlock = await lockDirectory(dataDir)
  try {
    const folder = join(dataDir, 'database')
    // PGlite makes its files readable for everybody (0666), and the directory above may be open to others.
    await makeOwnFolder(folder)
    const client = await PGlite.create(folder)
    const db = drizzle(traced(client))
    await migrate(db, migrations)
    return {
      db,
      close: async () => {
        await client.close()
        await unlock()
      },
    }
  } catch (error) {
    await unlock()
    throw error
  }
}

/** The client or a transaction of it, for drizzle: each statement in its span. */
function traced<Client extends PGlite | Transaction>(client: Client): Client {
  const own: Partial<Record<string | symbol, unknown>> = {
    query: (...[text, ...rest]: Parameters<PGlite['query']>) =>
      traceStatement(text, () => client.query(text, ...rest)),
    ...('transaction' in client && {
      transaction: <T>(work: (tx: Transaction) => Promise<T>) => client.transaction(tx => work(traced(tx))),
    }),
  }
  return new Proxy(client, {
    get(target, property) {
      const value = own[property] ?? Reflect.get(target, property, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
