import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * The path of one of the package's folders: `schema` has the GraphQL contract, `drizzle` the migrations, `dist/console`
 * the page for browsers. In a bundle, which has no folders, it is a copy in `annul/` beside the bundle's file.
 *
 * @throws Error that names the copy that is missing
 */
export function packageFolder(name: 'drizzle' | 'schema' | 'dist/console'): string {
  // A bundler that writes CommonJS leaves `import.meta` empty.
  const url: string | undefined = import.meta.url
  if (url === undefined)
    throw new Error(
      'Annul can\'t find its files from a CommonJS bundle. Bundle it as an ES module, or leave "annul" out of the bundle (docs/bundling.md).',
    )
  const here = dirname(fileURLToPath(url))
  const parent = dirname(here)
  // Above a bundle is a folder of the app, whose own migrations and schema must not be taken for Annul's.
  if (isAnnul(parent)) return join(parent, name)
  const copy = join(here, 'annul', name)
  if (existsSync(copy)) return copy
  throw new Error(
    `There is no ${copy}. A bundle of Annul needs a copy of node_modules/annul/${name} there, or "annul" left out of the bundle (docs/bundling.md).`,
  )
}

function isAnnul(folder: string): boolean {
  try {
    return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).name === 'annul'
  } catch {
    return false
  }
}
