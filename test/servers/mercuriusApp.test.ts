import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { createClient } from '../support/client.ts'
import { newSecret } from '../support/command.ts'
import { compile } from '../support/compile.ts'
import { createDatabase } from '../support/database.ts'
import { root } from '../support/imports.ts'

/* Apps on Mercurius, as docs/mercurius.md writes them and as the compiler sees them. */

const app = /* TypeScript */ `
import { createAuth } from 'annul'
import { annulMercurius, type MercuriusAdditions } from 'annul/mercurius'
import { fastify } from 'fastify'
import { mercurius, type MercuriusContext } from 'mercurius'

const auth = await createAuth()
const own: MercuriusAdditions = { context: request => ({ shop: request.headers['x-shop'] }) }
const secret = (_source: unknown, _args: unknown, context: MercuriusContext): string => context.auth.viewer().userId
const schema = auth.schema({
  typeDefs: 'extend type Query { secret: String! @auth }',
  resolvers: { Query: { secret } },
})
const app = fastify()
app.register(mercurius, { schema, ...annulMercurius(auth, own), graphiql: true, jit: 1 })
await app.listen({ port: 4000 })
`

const compileApp = (source: string) =>
  compile(source, ['graphql', 'fastify', 'mercurius', '@types/node'], { types: ['node'] })

describe('an app on Mercurius', () => {
  it('compiles, as strictly as can be', async () => {
    expect(await compileApp(app)).toEqual([])
  })

  it('is told of a mistake by the compiler', async () => {
    const mistaken = app
      .replace('context: request => (', 'contexts: () => (')
      .replace("request.headers['x-shop']", '1')
    expect(await compileApp(mistaken)).toEqual([expect.stringContaining("'contexts' does not exist")])
  })

  it('runs as the documentation writes it', async () => {
    const text = await readFile(join(root, 'docs/mercurius.md'), 'utf8')
    const [, code = ''] = /```js\n([\s\S]*?)```/.exec(text) ?? []
    const { env } = await createDatabase()
    const { PATH = '' } = process.env
    const child = spawn(process.execPath, ['--input-type=module', '--no-warnings'], {
      cwd: root,
      env: { PATH, PORT: '0', ANNUL_SECRET: newSecret(), ANNUL_LEASE_MS: '500', ...env },
    })
    child.stdin.end(`${code}\nconsole.log(app.server.address().port)`)
    const closed = new Promise(resolve => child.once('close', resolve))
    const port = await Promise.race([
      new Promise<number>(resolve => child.stdout.once('data', line => resolve(Number(line)))),
      closed.then(() => 0),
    ])
    try {
      const client = createClient(`http://localhost:${port}`)
      const { accessToken, userId } = await client.signUp()
      expect((await client.send('{ secret }', { token: accessToken })).data).toEqual({
        secret: `For ${userId} alone.`,
      })
      expect(await client.send('{ secret }')).toMatchObject({ status: 401, reason: 'TOKEN_MISSING' })
    } finally {
      child.kill()
      await closed
    }
  }, 60_000)
})
