import { noApp } from '../app/options.ts'
import type { Config } from '../config.ts'
import { DirectoryInUseError } from '../database/lockDirectory.ts'
import { type OpenDatabase, openDatabase } from '../database/open.ts'
import type { Log } from '../log.ts'
import { openBreachCheck } from '../passwords/breaches.ts'
import { openPasswords } from '../passwords/hash.ts'
import { openFences } from '../revocation/drain.ts'
import { openRevocation } from '../revocation/open.ts'
import { askRunningServer } from './askRunningServer.ts'
import { noBytes, type Perform, type Task } from './task.ts'

const silent: Log = { info: () => {}, warn: () => {}, error: () => {} }

/**
 * Performs tasks in this process, or in the running server if that server has the embedded database open.
 *
 * @param readSettings throws ConfigError
 */
export function performWith(readSettings: () => Config, say: (line: string) => void): Perform {
  return async (task, read, open = noBytes) => {
    const config = readSettings()
    const input = await read()
    const database = await openDatabase(config).catch(async error => {
      if (!(error instanceof DirectoryInUseError)) throw error
      if (!(await askRunningServer(config.dataDir, { task: task.name, input }, open(), say))) throw error
      return undefined
    })
    if (database !== undefined) await performHere(database, config, task, input, say, open)
  }
}

async function performHere<Input>(
  database: OpenDatabase,
  config: Config,
  task: Task<Input>,
  input: Input,
  say: (line: string) => void,
  open: () => AsyncIterable<Uint8Array>,
): Promise<void> {
  const { db } = database
  const revocation = openRevocation(config, db, silent)
  try {
    const passwords = await openPasswords({ isBreached: openBreachCheck(config.breachUrl, () => {}) })
    // This process joins the nodes, so that the task returns when no node accepts the tokens that it killed.
    if (task.revokes) await revocation.start()
    const fences = openFences(database, silent)
    await task.run({ app: noApp, config, db, fences, passwords, revocation }, input, say, open())
  } finally {
    if (task.revokes) await revocation.stop()
    await database.close()
  }
}
