import { loadOptional } from '../optional.ts'

/** What everything that answers with Fastify needs. */
export const serverPackages = [
  'fastify',
  '@fastify/cors',
  '@fastify/helmet',
  '@fastify/websocket',
  '@apollo/server',
]

/**
 * innerApp.ts, with the packages that it needs.
 *
 * @throws MissingPackagesError
 */
export function loadInnerApp(purpose: string) {
  return loadOptional(purpose, serverPackages, () => import('./innerApp.ts'))
}
