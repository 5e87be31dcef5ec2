import { execFile } from 'node:child_process'
import { cp, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from '@jest/globals'
import { build } from 'esbuild'
import { createPostgresDatabase, onPostgres, temporaryDirectory } from './support/database.ts'
import { root } from './support/imports.ts'

/* A server that imports the package, bundled as docs/bundling.md says, and run where node_modules has no annul. */

const server = /* TypeScript */ `
import { createAuth } from 'annul'
import { graphql } from 'graphql'

async function main() {
  const auth = await createAuth()
  const schema = auth.schema({ typeDefs: 'extend type Query { hello: String! }', resolvers: { Query: { hello: () => 'world' } } })
  const contextValue = await auth.context({ headers: {}, socket: { remoteAddress: '127.0.0.1' } }, { appendHeader() {} })
  const source = 'mutation { register(input: { email: "ada@example.com", password: "a long password, ok?" }) { user { email } } }'
  for (const text of ['{ hello }', source])
    console.log(JSON.stringify(await graphql({ schema, source: text, contextValue })))
  await auth.close()
}
main()
`

/** The bundle's folder. Its parent has a schema/ and a drizzle/ of the app's own. */
let out: string
/** The folders that docs/bundling.md copies beside the bundle. */
let copies: string
let databaseUrl: string

beforeAll(async () => {
  if (!onPostgres) return
  databaseUrl = await createPostgresDatabase()
  const app = await temporaryDirectory()
  const modules = join(app, 'node_modules')
  await mkdir(modules)
  await symlink(root, join(modules, 'annul'))
  for (const name of ['graphql', 'esbuild'])
    await symlink(join(root, 'node_modules', name), join(modules, name))
  await writeFile(join(app, 'server.ts'), server)
  out = join(app, 'out')
  const guide = await readFile(join(root, 'docs/bundling.md'), 'utf8')
  const [script = ''] = /(?<=^```js\n)\/\/ build\.mjs\n[\s\S]*?(?=^```$)/m.exec(guide) ?? []
  await writeFile(join(app, 'build.mjs'), script)
  const built = await promisify(execFile)(process.execPath, ['build.mjs'], { cwd: app })
  expect(built.stderr).toBe('')
  await build({
    absWorkingDir: app,
    entryPoints: ['server.ts'],
    bundle: true,
    platform: 'node',
    external: ['@electric-sql/pglite'],
    loader: { '.node': 'copy' },
    logLevel: 'silent',
    format: 'cjs',
    outfile: 'out/server.cjs',
  })
  // As if the last lines of the script had been forgotten.
  copies = join(app, 'copies')
  await rename(join(out, 'annul'), copies)
  await rm(modules, { recursive: true })
  // A bundle of one file imports its external packages when it starts.
  await mkdir(join(out, 'node_modules/@electric-sql'), { recursive: true })
  const pglite = 'node_modules/@electric-sql/pglite'
  await symlink(join(root, pglite), join(out, pglite))

  for (const folder of ['.', 'out']) {
    await mkdir(join(app, folder, 'schema'))
    await writeFile(join(app, folder, 'schema/own.graphql'), 'type Query { own: String }')
    await mkdir(join(app, folder, 'drizzle/meta'), { recursive: true })
    const entry = { idx: 0, version: '7', when: 1, tag: '0000_own', breakpoints: true }
    await writeFile(join(app, folder, 'drizzle/meta/_journal.json'), JSON.stringify({ entries: [entry] }))
    await writeFile(join(app, folder, 'drizzle/0000_own.sql'), 'create table own ()')
  }
})

const run = (file = 'server.mjs') =>
  new Promise<{ stdout: string; stderr: string }>(resolve => {
    const { PATH } = process.env
    const env = {
      PATH,
      DATABASE_URL: databaseUrl,
      ANNUL_SECRET: 'c2VjcmV0IG9mIGEgYnVuZGxlZCBzZXJ2ZXIgMzIgYnl0ZXM=',
    }
    execFile(process.execPath, [file], { cwd: out, env, timeout: 60_000 }, (_, stdout, stderr) =>
      resolve({ stdout, stderr }),
    )
  })

const describeBundle = onPostgres ? describe : describe.skip

describeBundle('a bundled server', () => {
  it('names the folder that the bundler has left behind, and takes no other in its place', async () => {
    for (const name of ['drizzle', 'schema']) {
      const { stdout, stderr } = await run()
      expect(stdout).toBe('')
      const place = join(out, 'annul', name)
      expect(stderr).toContain(
        `Error: There is no ${place}. A bundle of Annul needs a copy of node_modules/annul/${name} there, or "annul" left out of the bundle (docs/bundling.md).`,
      )
      await cp(join(copies, name), place, { recursive: true })
    }
  })

  it('serves once these folders are beside it', async () => {
    const { stdout, stderr } = await run()
    expect(stderr).toBe('')
    expect(stdout.trim().split('\n')).toEqual([
      '{"data":{"hello":"world"}}',
      '{"data":{"register":{"user":{"email":"ada@example.com"}}}}',
    ])
  })

  it('says that it must be an ES module, where it is none', async () => {
    const { stdout, stderr } = await run('server.cjs')
    expect(stdout).toBe('')
    expect(stderr).toContain(
      'Error: Annul can\'t find its files from a CommonJS bundle. Bundle it as an ES module, or leave "annul" out of the bundle (docs/bundling.md).',
    )
  })

  it('has the native part of the password hash beside it', async () => {
    expect(await readdir(out)).toContainEqual(expect.stringMatching(/^argon2\..*\.node$/))
  })
})
