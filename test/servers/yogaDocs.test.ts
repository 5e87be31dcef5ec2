import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from '@jest/globals'
import { claimsOf } from '../support/answers.ts'
import { createClient, noteSecrets } from '../support/client.ts'
import { createPostgresDatabase, onPostgres, temporaryDirectory } from '../support/database.ts'
import { freePort } from '../support/freePort.js'
import { root } from '../support/imports.ts'
import { until } from '../support/until.ts'

/* The programs of docs/yoga.md, run as they stand there. */

const describePostgres = onPostgres ? describe : describe.skip

const running: ChildProcess[] = []
afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL')
})

/** The first program of a section. */
function programOf(section: string): string {
  const text = readFileSync('docs/yoga.md', 'utf8').split(`\n## ${section}\n`)[1]?.split('\n## ')[0] ?? ''
  return /```js\n([\s\S]*?)```/.exec(text)?.[1] ?? ''
}

/** A folder of an app that has installed these packages, and nothing else. */
async function folderWith(...packages: string[]): Promise<string> {
  const folder = await temporaryDirectory()
  const modules = join(folder, 'node_modules')
  await mkdir(join(modules, '@hono'), { recursive: true })
  await symlink(root, join(modules, 'annul'))
  for (const name of packages) await symlink(join(root, 'node_modules', name), join(modules, name))
  return folder
}

/** Runs a program of the docs. @returns the origin at which it answers */
async function run(source: string, ...packages: string[]): Promise<string> {
  const folder = await folderWith(...packages)
  await writeFile(join(folder, 'app.mjs'), source)
  const port = await freePort()
  const secret = randomBytes(32).toString('base64')
  noteSecrets(secret)
  const env = {
    PATH: process.env.PATH,
    DATABASE_URL: await createPostgresDatabase(),
    ANNUL_SECRET: secret,
    PORT: String(port),
  }
  const child = spawn(process.execPath, ['app.mjs'], {
    cwd: folder,
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  running.push(child)
  let errors = ''
  child.stderr?.on('data', chunk => {
    errors += chunk
  })
  const url = `http://127.0.0.1:${port}`
  await until(async () => {
    if (child.exitCode !== null) throw new Error(`The program ended: ${errors}`)
    return fetch(url).then(Boolean, () => false)
  })
  return url
}

async function firstSession(url: string) {
  const client = createClient(url)
  const { accessToken, userId } = await client.signUp()
  const me = await client.send('{ me { id } sessions { ipAddress } }', { token: accessToken })
  expect(me).toMatchObject({ status: 200, data: { me: { id: userId } } })
  expect(claimsOf(accessToken).sub).toBe(userId)
  const refused = await client.send('{ me { id } }')
  expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="annul"'])
  return { ...client, accessToken, userId, data: me.data }
}

describePostgres('the program of docs/yoga.md for', () => {
  it('node:http answers as the contract says', async () => {
    const url = await run(programOf('node:http'), 'graphql', 'graphql-yoga')
    const { send, accessToken, userId, data } = await firstSession(url)
    expect(data?.sessions).toEqual([{ ipAddress: '127.0.0.1' }])
    expect((await send('{ secret }', { token: accessToken })).data).toEqual({
      secret: `For ${userId} alone.`,
    })
  })

  it('Hono answers as the contract says, and knows the address', async () => {
    const url = await run(programOf('Hono'), 'graphql', 'graphql-yoga', 'hono', '@hono/node-server')
    const { data } = await firstSession(url)
    expect(data?.sessions).toEqual([{ ipAddress: '127.0.0.1' }])
  })

  it('Next.js is a route handler that answers as the contract says', async () => {
    // As Next.js does: it hands the handlers a Request, and the parameters of the route.
    const caller = /* JavaScript */ `
      import { createServer } from 'node:http'
      import { Readable } from 'node:stream'
      import * as route from './route.mjs'
      createServer(async (incoming, outgoing) => {
        const body = incoming.method === 'POST' ? { body: Readable.toWeb(incoming), duplex: 'half' } : {}
        const url = 'http://127.0.0.1' + incoming.url.replace('/graphql', '/api/graphql')
        const headers = { ...incoming.headers, 'x-real-ip': '192.0.2.7' }
        const request = new Request(url, { method: incoming.method, headers, ...body })
        const response = await route[incoming.method](request, { params: Promise.resolve({}) })
        outgoing.writeHead(response.status, Object.fromEntries(response.headers)).end(await response.text())
      }).listen(Number(process.env.PORT))
    `
    const program = programOf('Next.js')
    const source = `import { writeFileSync } from 'node:fs'
      writeFileSync('route.mjs', ${JSON.stringify(program)})
      writeFileSync('caller.mjs', ${JSON.stringify(caller)})
      await import(new URL('caller.mjs', import.meta.url))`
    const url = await run(source, 'graphql', 'graphql-yoga')
    const { data } = await firstSession(url)
    expect(data?.sessions).toEqual([{ ipAddress: '192.0.2.7' }])
  })
})
