import { execFile } from 'node:child_process'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { temporaryDirectory } from './database.ts'
import { root } from './imports.ts'

/**
 * An app that has `annul` and these packages, compiled as strictly as can be.
 *
 * @returns the errors in the app and in Annul's declarations. What others do wrong in an app without types of Node is
 *   not asked here
 */
export async function compile(
  source: string,
  packages: readonly string[] = ['graphql', '@apollo/server'],
): Promise<string[]> {
  const errors = await compileAll(source, packages)
  return errors.filter(line => !/^[^(]*\bnode_modules\/(?!annul\/)/.test(line))
}

/** The same. @returns all errors, those in declarations of other packages included */
export async function compileAll(source: string, packages: readonly string[]): Promise<string[]> {
  const folder = await temporaryDirectory()
  const modules = join(folder, 'node_modules')
  await mkdir(modules, { recursive: true })
  await symlink(root, join(modules, 'annul'))
  for (const name of packages) {
    await mkdir(dirname(join(modules, name)), { recursive: true })
    await symlink(join(root, 'node_modules', name), join(modules, name))
  }
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
  await writeFile(join(folder, 'app.ts'), source)
  const compilerOptions = {
    strict: true,
    skipLibCheck: false,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    target: 'es2023',
    lib: ['es2023'],
    module: 'nodenext',
    types: [],
  }
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['app.ts'] }))
  const output = await new Promise<string>(resolve =>
    execFile(
      process.execPath,
      [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder, '--pretty', 'false'],
      (_, stdout) => resolve(stdout),
    ),
  )
  return output.split('\n').filter(line => /error TS/.test(line))
}
