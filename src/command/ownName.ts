import { fileURLToPath } from 'node:url'

/**
 * How this command is typed where it lies: installed as a package, or built in a checkout.
 *
 * @param file default: this very file
 */
export function ownName(file = fileURLToPath(import.meta.url)): string {
  return /[\\/]node_modules[\\/]/.test(file) ? 'npx annul' : 'node dist/main.js'
}
