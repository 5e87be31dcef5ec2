import { execFile } from 'node:child_process'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { temporaryDirectory } from './database.ts'
import { root } from './imports.ts'

/** What an app must give to the compiler, for the sake of another package's declarations. */
export interface Needs {
  readonly lib?: readonly string[]
  readonly types?: readonly string[]
}

/**
 * An app that has `annul` and these packages, compiled as strictly as can be.
 *
 * @returns the errors in the app and in Annul's declarations
 */
export async function compile(
  source: string,
  packages: readonly string[] = ['graphql', '@apollo/server'],
  needs: Needs = {},
): Promise<string[]> {
  const errors = await compileAll(source, packages, needs)
  // What other packages' declarations do wrong is not asked here.
  return errors.filter(line => !/^[^(]*\bnode_modules\/(?!annul\/)/.test(line))
}

/** As `compile`. @returns the errors of all packages too */
export async function compileAll(
  source: string,
  packages: readonly string[],
  { lib = ['es2023'], types = [] }: Needs = {},
): Promise<string[]> {
  const folder = await temporaryDirectory()
  const modules = join(folder, 'node_modules')
  await mkdir(modules)
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
    lib,
    module: 'nodenext',
    types,
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
