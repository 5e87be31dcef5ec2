import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryDirectory } from './database.ts'
import { root } from './imports.ts'

/** The folder of an app that has `annul` and every package of this checkout, and is of ES modules. Removed after the tests. */
export async function appFolder(): Promise<string> {
  const folder = await temporaryDirectory()
  const modules = join(folder, 'node_modules')
  await mkdir(modules)
  for (const name of await readdir(join(root, 'node_modules')))
    if (!name.startsWith('.')) await symlink(join(root, 'node_modules', name), join(modules, name))
  await symlink(root, join(modules, 'annul'))
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
  return folder
}
