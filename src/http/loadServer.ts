import { loadOptional } from '../optional.ts'
import { serverPackages } from './loadInnerApp.ts'

/**
 * Annul's own server, with the packages that it needs.
 *
 * @throws MissingPackagesError
 */
export function loadServer() {
  return loadOptional("Annul's own server", serverPackages, () => import('./server.ts'))
}
