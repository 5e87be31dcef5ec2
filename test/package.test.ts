import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { onPostgres } from './support/database.ts'
import { followGettingStarted } from './support/gettingStarted.ts'
import { root } from './support/imports.ts'
import { install, type Packed, packPackage, run } from './support/packed.ts'
import { until } from './support/until.ts'

/* The package as npm would publish it, installed where nothing of this checkout can be reached. */

// The package is one, whatever database the run is about.
const describePackage = onPostgres ? describe : describe.skip

let packed: Packed
/** An app that has installed the package. */
let app: string
/** What Annul's own server and the embedded database need beside the package. docs/server.md and docs/getting-started.md name the same. */
const ownServer = [
  ...['fastify', '@fastify/cors', '@fastify/helmet', '@fastify/websocket'],
  ...['@apollo/server', '@electric-sql/pglite'],
]

beforeAll(async () => {
  if (!onPostgres) return
  packed = await packPackage()
  app = await newApp('app', { type: 'module' }, ownServer)
}, 300_000)
afterAll(async () => {
  if (onPostgres) await rm(packed.dir, { recursive: true, force: true })
})

/** An empty folder in which the package was installed, beside others. */
async function newApp(name: string, manifest: object = {}, others: readonly string[] = []): Promise<string> {
  const folder = join(packed.dir, name)
  await mkdir(folder)
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name, private: true, ...manifest }))
  await install(packed, folder, others)
  return folder
}

const installed = (...path: string[]) => join(app, 'node_modules', 'annul', ...path)

describePackage('the package', () => {
  it('has what is to be read and run, and nothing else', () => {
    const paths = packed.files
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
    for (const path of packed.files.filter(path => /\.(js|d\.ts)$/.test(path)))
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
    const flagsOfAll = [...flags, '--skipLibCheck', 'false', ...types]
    const { stdout } = await run(process.execPath, [tsc, ...flagsOfAll, 'program.ts'], { cwd: app })
    expect(stdout).toBe('')
  })

  it('starts by "npx annul serve", and calls itself by that name', async () => {
    const { PATH = '', HOME = '' } = process.env
    const env = { PATH, HOME, PORT: '0', ANNUL_DATA_DIR: join(packed.dir, 'data') }
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

  it(
    'does what docs/getting-started.md says, from an empty folder to the end of a session',
    () => followGettingStarted(packed),
    300_000,
  )

  it('says what to install, where its own server or its database is missing', async () => {
    const bare = await newApp('bare')
    const { PATH = '', HOME = '' } = process.env
    const serve = (env: object) =>
      run('npx', ['annul', 'serve'], { cwd: bare, env: { PATH, HOME, ...env } }).catch(error => error.stderr)
    expect(await serve({})).toBe(
      `Annul's own server needs packages that are not installed: npm install ${ownServer.slice(0, -1).join(' ')}\n`,
    )
    const program = `import { createAuth } from 'annul'
      await createAuth().catch(error => console.log(error.message))`
    await writeFile(join(bare, 'program.mjs'), program)
    const { stdout } = await run(process.execPath, ['program.mjs'], { cwd: bare, env: { PATH, HOME } })
    expect(stdout).toBe(
      'Without a databaseUrl (DATABASE_URL), the embedded database needs packages that are not installed: ' +
        'npm install @electric-sql/pglite\n',
    )
  }, 150_000)

  it('takes little room beside Yoga, shares the graphql of the app, and its parts run on every Node it names', async () => {
    const folder = await newApp('yoga', { dependencies: { graphql: '16.8.1' } }, ['graphql-yoga@5'])
    const manifests = await readManifests(folder)
    expect(manifests.filter(({ name }) => name === 'graphql').map(({ version }) => version)).toEqual([
      '16.8.1',
    ])
    expect(manifests.map(({ name }) => name)).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/^(fastify|@apollo\/server|@electric-sql\/pglite)$/)]),
    )
    const { stdout } = await run('du', ['-sm', 'node_modules'], { cwd: folder })
    expect(Number.parseInt(stdout, 10)).toBeLessThanOrEqual(60)
    // By CommonJS, too.
    const required = "console.log(typeof require('annul').createAuth)"
    expect((await run(process.execPath, ['-e', required], { cwd: folder })).stdout).toContain('function')

    // Without Yoga, whose own packages are not Annul's to choose.
    const alone = await newApp('own')
    const own = await readManifests(alone)
    // A verifier and a gateway need no package beside: npm installs `graphql`, the one peer that is not optional.
    const doors = ['annul/verify', 'annul/verify/graphql', 'annul/gateway', 'annul/gateway/hive']
    const program = `
      console.log(${JSON.stringify(doors)}.map(door => Object.keys(require(door)).join()).join(' '))
      require.resolve('annul/schema/auth.graphql')
      const options = { nodes: ['http://127.0.0.1:9'], service: 'annul_sv_x', audience: 'annul' }
      const verifier = require('annul/verify').createVerifier({ ...options, log: { info() {}, warn() {}, error() {} } })
      verifier.decide('a.b.c').then(({ code }) => console.log(code)).then(verifier.close)`
    const said = await run(process.execPath, ['--no-warnings', '-e', program], { cwd: alone })
    expect(said.stdout).toBe(
      'AuthError,createVerifier,redis SchemaError,guardSchema ' +
        'createGateway,forwardHeaders,socketEvents gatewayPlugin\nUNAVAILABLE\n',
    )
    const { stdout: size } = await run('du', ['-sm', 'node_modules'], { cwd: alone })
    // 45 before WebAuthn, whose packages are 8.
    expect(Number.parseInt(size, 10)).toBeLessThanOrEqual(56)
    expect(own.length).toBeGreaterThan(20)
    const { default: semver } = await import(join(folder, 'node_modules', 'semver', 'index.js'))
    const unfit = own.flatMap(({ name, engines = {} }) =>
      ['20.19.0', '22.12.0', '24.0.0']
        .filter(version => !semver.satisfies(version, engines.node ?? '*'))
        .map(version => `${name} on ${version}`),
    )
    expect(unfit).toEqual([])
    expect(own.filter(({ scripts = {} }) => 'install' in scripts || 'postinstall' in scripts)).toEqual([])
  }, 150_000)
})

interface Manifest {
  readonly name: string
  readonly version: string
  readonly engines?: { readonly node?: string }
  readonly scripts?: Readonly<Record<string, string>>
}

/** The package.json of every package that is installed in a folder. */
async function readManifests(folder: string): Promise<Manifest[]> {
  const { packages } = JSON.parse(await readFile(join(folder, 'node_modules', '.package-lock.json'), 'utf8'))
  return Promise.all(
    Object.keys(packages).map(async path =>
      JSON.parse(await readFile(join(folder, path, 'package.json'), 'utf8')),
    ),
  )
}
