import type { Command } from 'commander'
import { hasAdmin } from '../admin/lastAdmin.ts'
import type { Config } from '../config.ts'
import { loadServer } from '../http/loadServer.ts'
import type { OpenedServer } from '../http/server.ts'
import { type ControlServer, openControlServer } from './controlServer.ts'
import { CommandError } from './explain.ts'
import { howToMakeAdmin, offerFirstAdmin } from './firstAdmin.ts'
import { isTerminal } from './readLine.ts'
import { tasks } from './tasks.ts'

/** In-flight requests get this long after a signal. */
const graceMs = 20_000

export function addServe(
  program: Command,
  readSettings: () => Config,
  say: (...lines: string[]) => void,
): void {
  program
    .command('serve')
    .description('start the server (the default)')
    .action(() => serve(readSettings(), say))
}

/** `annul serve`: starts, says where, and stops on SIGTERM or SIGINT. Logs go to standard error. */
async function serve(config: Config, say: (...lines: string[]) => void): Promise<void> {
  const { openServer } = await loadServer()
  const server = await openServer(config, { logStream: process.stderr }).catch(error => {
    throw addressProblem(error, config) ?? error
  })
  const control = await openControl(config, server)
  const stop = () => {
    // Requests that have not ended by then are cut off. No acknowledged change is lost.
    setTimeout(() => process.exit(1), graceMs).unref()
    closeBoth(server, control).then(
      () => process.exit(0),
      () => process.exit(1),
    )
  }
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)

  const { parts } = server.auth
  const lines = [`Annul is ready at ${server.url}/graphql`]
  if (config.databaseUrl === undefined)
    lines.push(
      `The embedded database in ${config.dataDir} serves this one process. For more nodes set DATABASE_URL to a PostgreSQL server.`,
    )
  const isMissingAdmin = !(await hasAdmin(parts.db))
  if (isMissingAdmin && !isTerminal()) lines.push(...howToMakeAdmin)
  say(...lines)
  // The server answers requests meanwhile, and goes on when this fails.
  if (isMissingAdmin && isTerminal())
    await offerFirstAdmin(parts, say).catch(error =>
      parts.log.error({ err: error }, 'The first admin could not be made.'),
    )
}

/** Only for the embedded database, which is closed to other processes: with PostgreSQL the command works by itself. */
async function openControl(config: Config, server: OpenedServer): Promise<ControlServer | undefined> {
  if (config.databaseUrl !== undefined) return undefined
  const { parts } = server.auth
  return openControlServer(config.dataDir, tasks, parts).catch(error => {
    // Where the file system has no sockets, commands have to wait until the server is stopped.
    parts.log.warn({ err: error }, 'Commands can not reach this server.')
    return undefined
  })
}

async function closeBoth(server: OpenedServer, control: ControlServer | undefined): Promise<void> {
  // The tasks that have begun need the database, which the server closes.
  await control?.close()
  await server.close()
}

/** The error for an address that can't be taken. Its message names the setting to change. */
function addressProblem(error: unknown, { host, port }: Config): CommandError | undefined {
  if (!(error instanceof Error && 'syscall' in error && error.syscall === 'listen' && 'code' in error))
    return undefined
  switch (error.code) {
    case 'EADDRINUSE':
      return new CommandError(
        `Port ${port} of ${host} is in use by another program. Set PORT to a free one; PORT=0 takes any.`,
      )
    case 'EACCES':
      return new CommandError(`Port ${port} may not be opened by this user. Set PORT to another one.`)
    case 'EADDRNOTAVAIL':
      return new CommandError(`HOST is ${host}, which is no address of this machine.`)
    default:
      return undefined
  }
}
