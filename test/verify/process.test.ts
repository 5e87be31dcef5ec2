import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from '@jest/globals'
import { root } from '../support/imports.ts'
import { useServer } from '../support/server.ts'
import { makeService } from '../support/verifier.ts'

/* A process of its own, as a service is one: what it loads, and whether it can end. */

const server = useServer()
const run = promisify(execFile)

/** Runs a module in a process of its own. @returns what it has written */
async function output(script: string, env: Record<string, string> = {}): Promise<string> {
  const args = ['--input-type=module', '--eval', script]
  const { stdout } = await run(process.execPath, args, {
    cwd: root,
    env: { ...process.env, ...env },
    timeout: 20_000,
  })
  return stdout
}

const doors = { verify: join(root, 'dist/verify/index.js'), graphql: join(root, 'dist/verify/graphql.js') }

/** Tells the files that a door has loaded, by Node's own hook. */
const loaded = (door: string) => `
  import { register } from 'node:module'
  register('data:text/javascript,' + encodeURIComponent(
    'import { writeSync } from "node:fs";' +
    'export async function load(url, context, next) { writeSync(1, url + "\\\\n"); return next(url, context) }'))
  await import(${JSON.stringify(door)})`

describe('annul/verify in a process of its own', () => {
  it('loads neither a database, nor a hash, nor GraphQL', async () => {
    const files = (await output(loaded(doors.verify))).trim().split('\n')
    expect(files.some(file => file.endsWith('dist/verify/createVerifier.js'))).toBe(true)
    expect(files.filter(file => /node_modules\/(?!ws\/|jsonwebtoken\/)/.test(file)).map(packageOf)).toEqual(
      [],
    )
    expect(
      files.filter(file => /dist\/(database|accounts|sessions|passwords|servers|http)\//.test(file)),
    ).toEqual([])
  })

  it('loads no database with guardSchema either', async () => {
    const files = (await output(loaded(doors.graphql))).trim().split('\n')
    expect(files.filter(file => /node_modules\/(postgres|drizzle-orm|@node-rs)\//.test(file))).toEqual([])
    expect(files.some(file => /node_modules\/graphql\//.test(file))).toBe(true)
  })

  it('is had by require, too', async () => {
    const script = `import { createRequire } from 'node:module'
      console.log(typeof createRequire(import.meta.url)(${JSON.stringify(doors.verify)}).createVerifier)`
    expect(await output(script)).toBe('function\n')
  })

  it('ends by itself when the verifier was closed', async () => {
    const secret = await makeService(server.auth.parts)
    const script = `
      import { createVerifier } from ${JSON.stringify(doors.verify)}
      const verifier = createVerifier({ nodes: [process.env.NODE_URL], service: process.env.SECRET, audience: 'annul' })
      await verifier.ready
      console.log(verifier.isFresh())
      await verifier.close()
      console.log(verifier.isFresh())`
    expect(await output(script, { NODE_URL: server.url, SECRET: secret })).toBe('true\nfalse\n')
    expect(server.auth.parts.revocation.feed.list()).toEqual([])
  })

  it('ends by itself though a node has never answered', async () => {
    const silent = createServer().listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const address = silent.address()
    const port = typeof address === 'object' && address ? address.port : 0
    const script = `
      import { createVerifier } from ${JSON.stringify(doors.verify)}
      const verifier = createVerifier({ nodes: ['http://127.0.0.1:${port}'], service: 'some', audience: 'annul' })
      await new Promise(resolve => setTimeout(resolve, 300))
      await verifier.close()
      const said = await verifier.ready.catch(error => error.message)
      console.log(said)`
    expect(await output(script)).toBe('The verifier was closed.\n')
    silent.close()
  })
})

function packageOf(file: string): string {
  return file.split('node_modules/').at(-1) ?? file
}
