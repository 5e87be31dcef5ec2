import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import type { MigrationConfig } from 'drizzle-orm/migrator'
import { drizzle } from 'drizzle-orm/pglite'
import { migrate } from 'drizzle-orm/pglite/migrator'
import { lockDirectory } from './lockDirectory.ts'
import { makeOwnFolder } from './ownerOnly.ts'

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
    const db = drizzle(client)
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
