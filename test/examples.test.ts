import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type Client, createClient } from './support/client.ts'
import { newSecret } from './support/command.ts'
import { createPostgresDatabase, onPostgres } from './support/database.ts'
import { expectGatewayLife, type GatewayKind, pageOrigin } from './support/gatewayLife.ts'
import { root } from './support/imports.ts'
import { install, type Packed, packPackage, run } from './support/packed.ts'
import { startPostgres } from './support/postgres.js'
import { startTestServer } from './support/server.ts'
import { query } from './support/sql.ts'
import { makeService } from './support/verifier.ts'

/* Each example as its reader has it: copied into an empty folder, the package installed from its tarball. */

const describeExamples = onPostgres ? describe : describe.skip
const examples = join(root, 'examples')

let packed: Packed
beforeAll(async () => {
  if (onPostgres) packed = await packPackage()
}, 120_000)
afterAll(async () => {
  if (onPostgres) await rm(packed.dir, { recursive: true, force: true })
})

interface Example extends Client {
  readonly databaseUrl: string
  readonly url: string
  /** The service `orders`, past the gateway. */
  readonly orders: Client
}

/** Declarations that have errors of their own, also for an app that imports nothing but one function: of drizzle-orm 0.45, and of Hive Gateway's packages. */
const wrongByThemselves =
  /^node_modules\/(drizzle-orm|@graphql-hive|@graphql-mesh|@whatwg-node|(.*\/)?lru-cache)\//

const prepared = new Map<string, Promise<string>>()

/** Installs and compiles an example (strictly, declarations of libraries too), once. @returns its folder */
function prepare(name: string): Promise<string> {
  const folder = prepared.get(name) ?? prepareAnew(name)
  prepared.set(name, folder)
  return folder
}

async function prepareAnew(name: string): Promise<string> {
  const folder = join(packed.dir, name)
  await cp(join(examples, name), folder, { recursive: true })
  await install(packed, folder)
  const options = ['--pretty', 'false', '--skipLibCheck', 'false']
  const { stdout } = await run('npm', ['run', 'build', '--', ...options], { cwd: folder }).catch(
    error => error as { stdout: string },
  )
  const wrong = stdout.split('\n').filter(line => /error TS/.test(line))
  expect(wrong.filter(line => !wrongByThemselves.test(line))).toEqual([])
  return folder
}

interface ExampleOptions {
  readonly script?: string
  readonly more?: Record<string, string>
  /** The name of the service whose secret the example gets, as its reader makes it. */
  readonly service?: string
}

/** Starts an example that is prepared; ends it after `use`. */
async function tryExample(
  name: string,
  use: (example: Example) => Promise<void>,
  { script = 'start', more = {}, service }: ExampleOptions = {},
): Promise<void> {
  const folder = await prepare(name)
  const databaseUrl = more.DATABASE_URL ?? (await createPostgresDatabase())
  const { PATH = '', HOME = '' } = process.env
  const settings = {
    PATH,
    HOME,
    PORT: '0',
    DATABASE_URL: databaseUrl,
    ANNUL_SECRET: newSecret(),
    ANNUL_LEASE_MS: '500',
    ...more,
  }
  const secret = service && { ANNUL_SERVICE: await createService(service, folder, settings) }
  const env = { ...settings, ...secret }
  // Without the script before it, which would compile once more.
  const child = spawn('npm', ['run', '--ignore-scripts', script], { cwd: folder, env, detached: true })
  const ended = once(child, 'close')
  let written = ''
  try {
    const url = await new Promise<string>((resolve, reject) => {
      for (const stream of [child.stdout, child.stderr])
        stream.setEncoding('utf8').on('data', (text: string) => {
          written += text
          const ready = /Ready at (http\S+)/.exec(written)?.[1]
          if (ready) resolve(new URL(ready).origin)
        })
      void ended.then(() => reject(new Error(`The example ended:\n${written}`)))
    })
    const orders = /Orders at (http\S+)/.exec(written)?.[1] ?? url
    await use({ ...createClient(url), databaseUrl, url, orders: createClient(new URL(orders).origin) })
  } finally {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGTERM')
    await ended
  }
}

/** By the command of the package. @returns the secret, which is the last line */
async function createService(name: string, cwd: string, settings: Record<string, string>): Promise<string> {
  const args = ['annul', 'create-service', name, '--rights', 'feed,introspect']
  const { stdout } = await run('npx', args, { cwd, env: settings })
  return stdout.trim().split('\n').at(-1) ?? ''
}

/** What holds in every example: an account, its own field, and the end of its token. */
async function expectLife(example: Example, guarded: string): Promise<string> {
  const stranger = await example.send(guarded)
  expect({ status: stranger.status, reason: stranger.reason }).toEqual({
    status: 401,
    reason: 'TOKEN_MISSING',
  })
  const { accessToken, userId } = await example.signUp()
  const own = await example.send(guarded, { token: accessToken })
  expect(own.errors).toBeUndefined()
  await example.send('mutation { logout }', { token: accessToken })
  const late = await example.send(guarded, { token: accessToken })
  expect({ status: late.status, reason: late.reason }).toEqual({ status: 401, reason: 'LOGGED_OUT' })
  return userId
}

/** A gateway in front of Annul, on a database of its own, which is stopped and started. */
async function tryGateway(kind: GatewayKind, name: string, options: ExampleOptions): Promise<void> {
  const postgres = await startPostgres()
  try {
    await postgres.createDatabase('gateway')
    const more = {
      ANNUL_ALLOWED_ORIGINS: pageOrigin,
      DATABASE_URL: postgres.urlOf('gateway'),
      ...options.more,
    }
    const use = (example: Example) => expectGatewayLife({ ...example, kind, postgres })
    await tryExample(name, use, { service: 'shop', ...options, more })
  } finally {
    await postgres.stop()
  }
}

describeExamples('the example', () => {
  it('of every folder is tried here', async () => {
    expect((await readdir(examples)).sort()).toEqual([
      'apollo-standalone',
      'express',
      'fastify',
      'federation',
      'mercurius',
      'stitching',
      'verifier',
      'yoga',
    ])
  })

  it(
    'apollo-standalone greets',
    () =>
      tryExample('apollo-standalone', async example => {
        const userId = await expectLife(example, '{ secret }')
        expect(userId).toMatch(/^[0-9a-f-]{36}$/)
        expect((await example.send('{ hello }')).data).toEqual({ hello: 'Hello, everybody.' })
      }),
    180_000,
  )

  it(
    'express keeps notes with owners, and makes and removes profiles together with users',
    () =>
      tryExample('express', async example => {
        await expectLife(example, '{ myNotes { text } }')
        const [ada, bob] = [await example.signUp(), await example.signUp()]
        const add = 'mutation { addNote(text: "Buy milk.") { text } }'
        expect((await example.send(add, { token: ada.accessToken })).data).toEqual({
          addNote: { text: 'Buy milk.' },
        })
        const mine = '{ myName myNotes { text } }'
        expect((await example.send(mine, { token: ada.accessToken })).data).toEqual({
          myName: 'New here',
          myNotes: [{ text: 'Buy milk.' }],
        })
        expect((await example.send(mine, { token: bob.accessToken })).data).toEqual({
          myName: 'New here',
          myNotes: [],
        })
        expect((await example.send('{ owners { email } }', { token: bob.accessToken })).code).toBe(
          'FORBIDDEN',
        )

        await query(
          example.databaseUrl,
          `update annul.users set roles = '{admin}' where id = '${bob.userId}'`,
        )
        const { accessToken: token } = await example.login(bob)
        expect((await example.send('{ owners { email notes } }', { token })).data).toEqual({
          owners: [{ email: ada.email, notes: 1 }],
        })
        const remove = `mutation { deleteUser(id: "${ada.userId}") }`
        expect((await example.send(remove, { token })).errors).toBeUndefined()
        const left = `select (select count(*)::int from notes) as notes,
        (select count(*)::int from profiles where user_id = '${ada.userId}') as profiles`
        expect(await query(example.databaseUrl, left)).toEqual([{ notes: 0, profiles: 0 }])
        expect((await example.send(add, { token: ada.accessToken })).reason).toBe('USER_DELETED')
      }),
    180_000,
  )

  it(
    'fastify has routes of its own beside Annul’s',
    () =>
      tryExample('fastify', async example => {
        await expectLife(example, '{ visits }')
        expect(await (await fetch(`${example.url}/hello`)).json()).toEqual({ hello: 'world' })
        expect((await fetch(`${example.url}/.well-known/jwks.json`)).status).toBe(200)
        const { accessToken } = await example.signUp()
        expect((await example.send('{ payouts }', { token: accessToken })).code).toBe('FORBIDDEN')
      }),
    180_000,
  )

  it(
    'yoga guards a code-first schema',
    () =>
      tryExample('yoga', async example => {
        await expectLife(example, '{ myId }')
        expect((await example.send('{ time }')).data).toEqual({ time: expect.any(String) })
        const account = await example.signUp()
        expect((await example.send('{ secret }', { token: account.accessToken })).code).toBe('FORBIDDEN')
        const promote = `update annul.users set roles = '{admin}' where id = '${account.userId}'`
        await query(example.databaseUrl, promote)
        const admin = await example.login(account)
        expect((await example.send('{ secret }', { token: admin.accessToken })).data).toEqual({
          secret: 'Only admins read this.',
        })
      }),
    180_000,
  )

  it.each([
    ['@apollo/gateway', 'start'],
    ['Hive Gateway', 'hive'],
  ] as const)(
    'federation is one graph of Annul and orders, by %s',
    (kind, script) => tryGateway(kind, 'federation', { script }),
    300_000,
  )

  it('federation with the directives of Apollo’s security: Hive enforces them, and @apollo/gateway does not start', async () => {
    const folder = await prepare('federation')
    const file = 'securityGateways.mjs'
    await cp(join(root, 'test/support', file), join(folder, file))
    const { PATH = '', HOME = '' } = process.env
    const DATABASE_URL = await createPostgresDatabase()
    const settings = { PATH, HOME, DATABASE_URL, ANNUL_SECRET: newSecret() }
    const ANNUL_SERVICE = await createService('gateway', folder, settings)
    const { stdout } = await run('node', [file], { cwd: folder, env: { ...settings, ANNUL_SERVICE } })
    const { apollo, userId, ...answers } = JSON.parse(stdout)
    expect(apollo).toContain(
      'feature https://specs.apollo.dev/authenticated/v0.1 is for: SECURITY but is unsupported',
    )
    const refused = { data: null, codes: ['UNAUTHORIZED_FIELD_OR_TYPE'], asked: 0 }
    expect(answers).toEqual({
      anonymous: refused,
      own: { data: { me: { id: userId } }, asked: 1 },
      withoutRole: refused,
      withoutScope: refused,
    })
  }, 180_000)

  it(
    'mercurius greets who is signed in',
    () =>
      tryExample('mercurius', async example => {
        await expectLife(example, '{ greeting }')
      }),
    180_000,
  )

  it.each([
    ['stitching, Apollo Server', 'apollo'],
    ['stitching, Yoga', 'yoga'],
  ] as const)(
    'stitching is one address for Annul and two services (%s)',
    (kind, gateway) => tryGateway(kind, 'stitching', { more: { GATEWAY: gateway } }),
    300_000,
  )

  it('verifier has a REST service and a GraphQL service that keep the promise without a database', async () => {
    const node = await startTestServer()
    const secret = await makeService(node.auth.parts)
    await tryExample(
      'verifier',
      async ({ url, send }) => {
        const { accessToken: token, userId } = await node.signUp()
        const orders = (method: string) =>
          fetch(`${url}/orders`, { method, headers: { authorization: `Bearer ${token}` } })
        expect(await (await orders('GET')).json()).toEqual({ ordersOf: userId })
        expect((await orders('DELETE')).status).toBe(403)
        expect((await fetch(`${url}/orders`)).status).toBe(401)
        expect((await send('{ myReviews }', { token })).data).toEqual({
          myReviews: [`A review by ${userId}`],
        })
        expect((await send('{ allReviews }', { token })).code).toBe('FORBIDDEN')
        await node.send('mutation { logout }', { token })
        expect((await orders('GET')).status).toBe(401)
        const late = await send('{ myReviews }', { token })
        expect([late.errors?.[0]?.message, late.reason]).toEqual([
          'This session was logged out.',
          'LOGGED_OUT',
        ])
      },
      { more: { ANNUL_NODES: node.url, ANNUL_SERVICE: secret } },
    )
    await node.close()
  }, 180_000)
})
