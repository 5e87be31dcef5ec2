import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { onPostgres } from './support/database.ts'
import { root } from './support/imports.ts'
import { until } from './support/until.ts'

/* The package as npm would publish it, installed where nothing of this checkout can be reached. */

// The package is one, whatever database the run is about.
const describePackage = onPostgres ? describe : describe.skip

const run = promisify(execFile)
const npm = (args: string[], cwd: string) => run('npm', args, { cwd })

/** Apart from the run's directory, which is in nobody's way, but closed. */
let dir: string
/** An app that has installed the package. */
let app: string
let packed: { filename: string; files: { path: string }[] }

beforeAll(async () => {
  if (!onPostgres) return
  dir = await mkdtemp(join(tmpdir(), 'annul-package-'))
  // A copy, because packing builds from clean, and other tests use this checkout's dist/ at the same time.
  const checkout = join(dir, 'checkout')
  await mkdir(join(checkout, 'dist'), { recursive: true })
  await writeFile(join(checkout, 'dist', 'stale.js'), '// of a file that is no more')
  const copied = (await readdir(root)).filter(
    name => !['.git', '.annul', 'node_modules', 'dist', 'bench', 'test'].includes(name),
  )
  for (const name of copied) await cp(join(root, name), join(checkout, name), { recursive: true })
  await symlink(join(root, 'node_modules'), join(checkout, 'node_modules'))
  const { stdout } = await npm(['pack', '--json', '--pack-destination', dir], checkout)
  // Scripts of the package may write lines before.
  ;[packed] = JSON.parse(stdout.slice(stdout.search(/^\[/m)))

  app = join(dir, 'app')
  await mkdir(app)
  await writeFile(join(app, 'package.json'), '{ "name": "app", "private": true, "type": "module" }')
  await npm(['install', '--prefer-offline', '--no-audit', '--no-fund', join(dir, packed.filename)], app)
}, 300_000)
afterAll(async () => {
  if (onPostgres) await rm(dir, { recursive: true, force: true })
})

const installed = (...path: string[]) => join(app, 'node_modules', 'annul', ...path)

describePackage('the package', () => {
  it('has what is to be read and run, and nothing else', () => {
    const paths = packed.files.map(({ path }) => path)
    expect(paths).toEqual(
      expect.arrayContaining([
        ...[
          'LICENSE',
          'README.md',
          'CHANGELOG.md',
          'CONTRIBUTING.md',
          'SECURITY.md',
          'package.json',
          'docs/client.md',
        ],
        ...['dist/main.js', 'dist/index.js', 'dist/index.d.ts', 'dist/client/index.js'],
        ...['drizzle/0000_init.sql', 'drizzle/meta/_journal.json', 'schema/auth.graphql'],
      ]),
    )
    const places =
      /^(dist|drizzle|schema|docs)\/|^(LICENSE|README\.md|CHANGELOG\.md|CONTRIBUTING\.md|SECURITY\.md|package\.json)$/
    expect(paths.filter(path => !places.test(path))).toEqual([])
    // Built from clean; and no source map, which would lead to sources that are not there.
    expect(paths.filter(path => /stale|\.map$|(?<!\.d)\.ts$/.test(path))).toEqual([])
  })

  it('names no source map', async () => {
    for (const { path } of packed.files.filter(({ path }) => /\.(js|d\.ts)$/.test(path)))
      expect([path, (await readFile(installed(path), 'utf8')).includes('sourceMappingURL')]).toEqual([
        path,
        false,
      ])
  })

  it('is imported by a strict TypeScript program, which checks the declarations of its libraries too', async () => {
    const lines = [
      `import { createAuth, readConfig, type Auth } from 'annul'`,
      `import { createSession } from 'annul/client'`,
      `export const auth: Auth = await createAuth(readConfig({})), session = createSession`,
    ]
    await writeFile(join(app, 'program.ts'), lines.join('\n'))
    const flags = ['--strict', '--noEmit', '--module', 'nodenext', '--target', 'es2023']
    const types = ['--typeRoots', join(root, 'node_modules', '@types'), '--types', 'node']
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
    // It names errors on standard output, and ends with status 2.
    const { stdout } = await run(process.execPath, [tsc, ...flags, ...types, 'program.ts'], { cwd: app })
    expect(stdout).toBe('')
  })

  it('starts by "npx annul serve", and calls itself by that name', async () => {
    const { PATH = '', HOME = '' } = process.env
    const env = { PATH, HOME, PORT: '0', ANNUL_DATA_DIR: join(dir, 'data') }
    // A group of its own: npx starts the server as its child.
    const child = spawn('npx', ['annul', 'serve'], { cwd: app, env, stdio: 'pipe', detached: true })
    const ended = once(child, 'close')
    let written = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        written += text
      })
    try {
      await until(() => written.includes('create-user'), Boolean, 120_000)
      const url = written.match(/^Annul is ready at (\S+)$/m)?.[1] ?? ''
      const headers = { 'content-type': 'application/json' }
      const answer = await fetch(url, { method: 'POST', headers, body: '{"query":"{ __typename }"}' })
      expect(await answer.json()).toEqual({ data: { __typename: 'Query' } })
      expect(written).toContain('  npx annul create-user --email you@example.com --roles admin\n')
    } finally {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM')
      await ended
    }
  }, 150_000)
})
