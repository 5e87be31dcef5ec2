import { execFile } from 'node:child_process'
import { cp, mkdir, readdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { temporaryDirectory } from './database.ts'
import { root } from './imports.ts'

/**
 * An app that has the package, and all that it may need but one.
 *
 * @param name the package, or the scope, that is missing
 * @returns opens an Annul with these variables alone, and closes it. It gives what the app prints: `opened`, or why not
 */
export async function appWithout(name: string): Promise<(env: Record<string, string>) => Promise<string>> {
  const folder = await temporaryDirectory()
  const modules = join(folder, 'node_modules')
  await mkdir(join(modules, 'annul'), { recursive: true })
  for (const part of ['dist', 'schema', 'drizzle', 'package.json'])
    await cp(join(root, part), join(modules, 'annul', part), { recursive: true })
  const missing = ['.bin', '.package-lock.json', name, 'annul']
  for (const other of await readdir(join(root, 'node_modules')))
    if (!missing.includes(other)) await symlink(join(root, 'node_modules', other), join(modules, other))
  await writeFile(
    join(folder, 'app.mjs'),
    `import { createAuth } from 'annul'
    await createAuth().then(auth => auth.close()).then(() => console.log('opened'), error => console.log(error.message))`,
  )
  return async env => (await promisify(execFile)(process.execPath, ['app.mjs'], { cwd: folder, env })).stdout
}
