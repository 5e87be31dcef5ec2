import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { root } from './imports.ts'

/** The package as npm would publish it. */
export interface Packed {
  /** A folder of its own, outside of the run's directory, which is closed to others. To be removed by the caller. */
  readonly dir: string
  readonly tarball: string
  readonly files: readonly string[]
}

export const run = promisify(execFile)
const npm = (args: readonly string[], cwd: string) => run('npm', args, { cwd })

/** Packs this checkout. */
export async function packPackage(): Promise<Packed> {
  const dir = await mkdtemp(join(tmpdir(), 'annul-package-'))
  // A copy, because packing builds from clean, and other tests use this checkout's dist/ at the same time.
  const checkout = join(dir, 'checkout')
  await mkdir(join(checkout, 'dist'), { recursive: true })
  await writeFile(join(checkout, 'dist', 'stale.js'), '// of a file that is no more')
  const left = ['.git', '.annul', 'node_modules', 'dist', 'bench', 'test', 'examples']
  for (const name of (await readdir(root)).filter(name => !left.includes(name)))
    await cp(join(root, name), join(checkout, name), {
      recursive: true,
      filter: path => !path.endsWith('/node_modules'),
    })
  await symlink(join(root, 'node_modules'), join(checkout, 'node_modules'))
  const { stdout } = await npm(['pack', '--json', '--pack-destination', dir], checkout)
  // Scripts of the package may write lines before.
  const [{ filename, files }] = JSON.parse(stdout.slice(stdout.search(/^\[/m)))
  return {
    dir,
    tarball: join(dir, filename),
    files: files.map(({ path }: { path: string }) => path),
  }
}

/** Installs the package and others in a folder, where nothing of this checkout can be reached. */
export async function install(
  { tarball }: Packed,
  folder: string,
  others: readonly string[] = [],
): Promise<void> {
  await npm(['install', '--prefer-offline', '--no-audit', '--no-fund', tarball, ...others], folder)
}
