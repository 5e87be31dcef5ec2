import { appOptionNames } from '../app/options.ts'
import { readSettings, withoutInsides } from '../auth.ts'
import { refuseUnknownOptions } from '../names.ts'
import type { Settings } from '../options.ts'
import { loadServer } from './loadServer.ts'
import type { RunningServer, ServerOptions } from './serverOptions.ts'

/**
 * Starts an auth server: Fastify, and Apollo Server on `/graphql`.
 *
 * @param settings what is not given is read from the environment
 * @throws what createAuth throws, Error where packages are missing, and Node's error when the address can't be taken
 * @example
 * const server = await startServer({ port: 0 })
 * console.log(server.url)
 * await server.close()
 */
export async function startServer(
  settings: Settings = {},
  options: ServerOptions = {},
): Promise<RunningServer> {
  refuseUnknownOptions('startServer', options, [...appOptionNames, ...ownOptions])
  const config = readSettings(settings)
  const { openServer } = await loadServer()
  const { url, auth, close } = await openServer(config, options)
  return { url, auth: withoutInsides(auth), close }
}

const ownOptions = ['bounds', 'extension', 'logLevel', 'logStream', 'rename']
