import { fileURLToPath } from 'node:url'

/**
 * How the operator types this command: as an installed package, or in a checkout.
 *
 * @param file a file of the command; default: this file
 */
export function ownName(file = fileURLToPath(import.meta.url)): string {
  return /[\\/]node_modules[\\/]/.test(file) ? 'npx annul' : 'node dist/main.js'
}
