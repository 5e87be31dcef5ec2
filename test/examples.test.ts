import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type Client, createClient } from './support/client.ts'
import { newSecret } from './support/command.ts'
import { createPostgresDatabase, onPostgres } from './support/database.ts'
import { expectGatewayLife, pageOrigin } from './support/gatewayLife.ts'
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
}

/** Declarations that have errors of their own, also for an app that imports nothing but one function: of drizzle-orm 0.45, and of Hive Gateway's packages. */
const wrongByThemselves =
  /^node_modules\/(drizzle-orm|@graphql-hive|@graphql-mesh|@whatwg-node|graphql-yoga\/node_modules\/lru-cache)\//

/** Installs, compiles (strictly, declarations of libraries too) and starts an example; ends it after `use`. */
async function tryExample(
  name: string,
  use: (example: Example) => Promise<void>,
  { script = 'start', more = {} }: { script?: string; more?: Record<string, string> } = {},
): Promise<void> {
  const folder = join(packed.dir, name)
  await cp(join(examples, name), folder, { recursive: true })
  await install(packed, folder)
  const check = run('npx', ['tsc', '--noEmit', '--pretty', 'false', '--skipLibCheck', 'false'], {
    cwd: folder,
  })
  const { stdout } = await check.catch(error => error as { stdout: string })
  const wrong = stdout.split('\n').filter(line => /error TS/.test(line))
  expect(wrong.filter(line => !wrongByThemselves.test(line))).toEqual([])
  const databaseUrl = more.DATABASE_URL ?? (await createPostgresDatabase())
  const { PATH = '', HOME = '' } = process.env
  const env = {
    PATH,
    HOME,
    PORT: '0',
    DATABASE_URL: databaseUrl,
    ANNUL_SECRET: newSecret(),
    ANNUL_LEASE_MS: '500',
    ...more,
  }
  const child = spawn('npm', ['run', script], { cwd: folder, env, detached: true })
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
    await use({ ...createClient(url), databaseUrl, url })
  } finally {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGTERM')
    await ended
  }
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

/** What holds through each kind of gateway. */
async function expectOneGraph(gateway: Example): Promise<void> {
  const { accessToken: token, refreshToken, userId, email } = await gateway.signUp()
  const order = { id: `of-${userId}`, total: 12 }
  const mine = '{ me { id email orders { id total } } }'
  expect((await gateway.send(mine, { token })).data).toEqual({ me: { id: userId, email, orders: [order] } })

  // Somebody else's User: the part that Annul has is refused for this one, and the rest is answered.
  const all = '{ me { id } latestOrders { nodes { total buyer { id email } } pageInfo { hasNextPage } } }'
  const other = await gateway.send<{ latestOrders: unknown }>(all, { token })
  expect(other.data).toMatchObject({
    me: { id: userId },
    latestOrders: { nodes: [{ total: 12, buyer: { email: null } }], pageInfo: { hasNextPage: false } },
  })
  expect(other.errors?.map(({ extensions: { code } }) => code)).toEqual(['FORBIDDEN'])

  // Identity comes from the token alone.
  const headers = { 'x-user-id': userId, 'x-annul-user': userId, 'x-roles': 'admin' }
  expect(await gateway.send(mine, { headers })).toMatchObject({ reason: 'TOKEN_MISSING' })
  const invented = await gateway.send(all, { token, headers })
  expect(invented.errors?.map(({ extensions: { code } }) => code)).toEqual(['FORBIDDEN'])

  const next = (await gateway.refresh(refreshToken)).data?.refresh
  expect(next?.user.id).toBe(userId)
  const ended = await gateway.send('mutation { revokeSessions }', { token })
  expect(ended.data).toEqual({ revokeSessions: true })
  for (const dead of [token, next?.accessToken ?? ''])
    expect((await gateway.send(mine, { token: dead })).reason).toBe('SESSIONS_REVOKED')
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

  // Apollo's gateway, and Hive's.
  it.each(['start', 'hive'])(
    'federation has one graph of Annul and orders (npm run %s)',
    script => tryExample('federation', expectOneGraph, { script }),
    300_000,
  )

  it(
    'mercurius greets who is signed in',
    () =>
      tryExample('mercurius', async example => {
        await expectLife(example, '{ greeting }')
      }),
    180_000,
  )

  it.each(['apollo', 'yoga'])(
    'stitching is one address for Annul and two services, on %s',
    async gateway => {
      const postgres = await startPostgres()
      try {
        await postgres.createDatabase('stitching')
        const settings = { GATEWAY: gateway, ANNUL_ALLOWED_ORIGINS: pageOrigin }
        const use = (example: Example) => expectGatewayLife(example, postgres)
        await tryExample('stitching', use, {
          more: { ...settings, DATABASE_URL: postgres.urlOf('stitching') },
        })
      } finally {
        await postgres.stop()
      }
    },
    240_000,
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
        expect((await send('{ allReviews }', { token })).errors?.[0]?.message).toBe('You may not do this.')
        await node.send('mutation { logout }', { token })
        expect((await orders('GET')).status).toBe(401)
        expect((await send('{ myReviews }', { token })).errors?.[0]?.message).toBe(
          'This session was logged out.',
        )
      },
      { more: { ANNUL_NODES: node.url, ANNUL_SERVICE: secret } },
    )
    await node.close()
  }, 180_000)
})
