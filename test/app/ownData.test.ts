import { execFile } from 'node:child_process'
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from '@jest/globals'
import { reservedNames } from '../../src/tokens/ownClaims.ts'
import { newSecret } from '../support/command.ts'
import { createPostgresDatabase, onPostgres, temporaryDirectory } from '../support/database.ts'
import { root } from '../support/imports.ts'

/* The app of docs/own-data.md: each snippet begins with the name of its file. */

const run = promisify(execFile)

/** Uses the app as its clients would, and prints what they see. */
const main = /* TypeScript */ `
import { ApolloServer } from '@apollo/server'
import postgres from 'postgres'
import { auth, schema } from './auth.js'

const apollo = new ApolloServer({ schema, ...auth.apollo() })
const sql = postgres(process.env.DATABASE_URL ?? '', { max: 1 })
const send = async (query: string, token?: string) => {
  const headers = token === undefined ? {} : { authorization: 'Bearer ' + token }
  const contextValue = await auth.context({ headers }, { appendHeader() {} })
  const { body } = await apollo.executeOperation({ query }, { contextValue })
  return body.kind === 'single' ? (body.singleResult.data as any) : undefined
}
const input = '(input: { email: "ada@example.com", password: "a password of the docs" })'
const { register } = await send('mutation { register' + input + ' { accessToken user { id } } }')
const told: unknown[] = [await send('{ tenant }', register.accessToken)]
const note = async () => told.push((await sql\`select name from profiles\`).map(({ name }) => name))
await note()
await sql\`delete from profiles\`
await sql\`update annul.users set roles = '{admin}'\`
const { login } = await send('mutation { login' + input + ' { accessToken } }')
await note()
const guest = await send('mutation { register' + input.replace('ada', 'guest') + ' { user { id } } }')
await note()
await send('mutation { deleteUser(id: "' + guest.register.user.id + '") }', login.accessToken)
await note()
await apollo.stop()
await auth.close()
await sql.end()
console.log(JSON.stringify({ told, ids: [register.user.id, guest.register.user.id] }))
`

async function makeApp(): Promise<string> {
  const folder = await temporaryDirectory()
  const modules = join(folder, 'node_modules')
  await mkdir(join(modules, '@apollo'), { recursive: true })
  await symlink(root, join(modules, 'annul'))
  for (const name of ['drizzle-orm', 'drizzle-kit', 'postgres', 'graphql', '@apollo/server'])
    await symlink(join(root, 'node_modules', name), join(modules, name))
  const page = await readFile(join(root, 'docs/own-data.md'), 'utf8')
  const snippets = [...page.matchAll(/```ts\n\/\/ (\S+)\n([\s\S]*?)```/g)]
  expect(snippets.map(([, name]) => name)).toEqual([
    ...['tables.ts', 'drizzle.config.ts', 'tenant.ts', 'hooks.ts', 'auth.ts'],
  ])
  for (const [, name = '', text = ''] of snippets) await writeFile(join(folder, name), text)
  await writeFile(join(folder, 'main.ts'), main)
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
  return folder
}

const describePostgres = onPostgres ? describe : describe.skip

describePostgres('docs/own-data.md', () => {
  it('shows an app that works', async () => {
    const cwd = await makeApp()
    const { PATH = '' } = process.env
    const env = { PATH, DATABASE_URL: await createPostgresDatabase(), ANNUL_SECRET: newSecret() }
    const tool = (path: string, ...args: string[]) =>
      run(process.execPath, [join(root, 'node_modules', path), ...args], { cwd, env })
    await tool('drizzle-kit/bin.cjs', 'push', '--force')
    const { stdout } = await tool('tsx/dist/cli.mjs', 'main.ts')
    const lines = stdout.trim().split('\n')
    const { told, ids } = JSON.parse(lines.at(-1) ?? '')
    expect(told).toEqual([
      { tenant: 'example.com' },
      ['New here'],
      ['Back again'],
      ['Back again', 'New here'],
      ['Back again'],
    ])
    expect(lines.slice(0, -1)).toEqual(ids.map((id: string) => `Welcome, ${id}.`))
  })

  it('lists the names that are refused', async () => {
    const page = await readFile(join(root, 'docs/own-data.md'), 'utf8')
    const listed = page.match(/`(iss sub [\w\s]*)`/)?.[1]?.split(/\s+/) ?? []
    expect(listed.sort()).toEqual([...reservedNames].sort())
  })
})
