import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from '@jest/globals'
import { createAuth, openAuth } from '../src/auth.ts'
import { readConfig } from '../src/config.ts'
import { openServer } from '../src/http/server.ts'
import { newSecret } from './support/command.ts'
import { createDatabase, onPostgres, temporaryDirectory } from './support/database.ts'
import { query } from './support/sql.ts'

const onlyPostgres = onPostgres ? it : it.skip

/** Runs an app of its own process, which has `annul` and these variables, and nothing else. */
async function runApp(script: string, env: Record<string, string>) {
  const { PATH = '' } = process.env
  const child = spawn(process.execPath, ['--input-type=module', '--no-warnings'], { env: { PATH, ...env } })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', text => {
    stdout += text
  })
  child.stderr.on('data', text => {
    stderr += text
  })
  child.stdin.end(`import { createAuth } from './dist/index.js'\n${script}`)
  const [status, signal] = await once(child, 'close')
  return { status, signal, stdout, stderr }
}

const secret = 'a-secret-parameter@example.com'
/** An app whose resolver fails for what is in a statement. */
const failingApp = `
  import { ApolloServer } from '@apollo/server'
  const auth = await createAuth()
  const fail = () => {
    throw Object.assign(new Error('duplicate key: (email)=(${secret})'), { query: 'insert', parameters: ['${secret}'] })
  }
  const schema = auth.schema({
    typeDefs: 'extend type Query { broken: Int failing: Int }',
    resolvers: { Query: { broken: () => { throw new TypeError('The shop has burnt down.') }, failing: fail } },
  })
  const apollo = new ApolloServer({ schema, ...auth.apollo() })
  const ask = async query => {
    const context = await auth.context({ headers: {} }, { appendHeader() {} })
    const { body } = await apollo.executeOperation({ query }, { contextValue: context })
    return body.singleResult.errors
  }
  console.log(JSON.stringify([await ask('{ broken }'), await ask('{ failing }')]))
  await apollo.stop()
  await auth.close()
`

describe('createAuth()', () => {
  it('reads the environment, and tells standard error of what a resolver threw, with the id of the answer', async () => {
    const { env } = await createDatabase()
    const { status, stdout, stderr } = await runApp(failingApp, { ANNUL_SECRET: newSecret(), ...env })
    expect({ status, lines: stderr.split('\n').length }).toEqual({ status: 0, lines: 3 })
    const [[broken], [failing]] = JSON.parse(stdout)
    for (const error of [broken, failing])
      expect(error).toMatchObject({
        message: 'Something went wrong on the server.',
        extensions: { code: 'INTERNAL_SERVER_ERROR', id: expect.any(String) },
      })
    const [first, second] = stderr
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
    expect(first).toMatchObject({
      level: 50,
      msg: 'A request failed.',
      id: broken.extensions.id,
      path: 'broken',
      err: { type: 'TypeError', message: 'The shop has burnt down.', stack: expect.stringMatching(/^ +at /) },
    })
    expect(second).toMatchObject({
      id: failing.extensions.id,
      err: { type: 'Error', message: 'A statement failed.' },
    })
    // What the statement was about is told to nobody.
    expect(stdout + stderr).not.toContain(secret)
  })

  it('is silent where ANNUL_LOG_LEVEL says so', async () => {
    const { env } = await createDatabase()
    const settings = { ANNUL_SECRET: newSecret(), ANNUL_LOG_LEVEL: 'silent', ...env }
    const { status, stderr } = await runApp(failingApp, settings)
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  })

  it('refuses an environment with problems', async () => {
    const script = 'await createAuth().catch(error => console.log(error.name, error.problems))'
    const { status, stdout } = await runApp(script, { ANNUL_SECERT: 'x', ANNUL_LEASE_MS: '1' })
    expect({ status, stdout }).toEqual({
      status: 0,
      stdout: expect.stringMatching(
        /^ConfigError \[[\s\S]*ANNUL_LEASE_MS[\s\S]*ANNUL_SECERT is not a setting/,
      ),
    })
  })

  it('ends an app on a signal that closes twice, with status 0, on the embedded database too', async () => {
    const dir = join(await temporaryDirectory(), 'data')
    const script = `
      const auth = await createAuth()
      process.on('SIGTERM', async () => {
        await Promise.all([auth.close(), auth.close()])
        await auth.close()
        console.log('closed')
      })
      process.kill(process.pid, 'SIGTERM')
      setTimeout(() => {}, 100)
    `
    const ended = await runApp(script, { ANNUL_DATA_DIR: dir })
    expect(ended).toEqual({ status: 0, signal: null, stdout: 'closed\n', stderr: '' })
    // A new embedded database takes five seconds of work.
  }, 90_000)
})

describe('the option log', () => {
  it('tells an app’s own log, and hands over nothing of what a statement was about', async () => {
    const { env } = await createDatabase()
    const told: object[] = []
    const log = {
      info() {},
      warn() {},
      error: (details: object, message: string) => told.push({ ...details, message }),
    }
    const auth = await createAuth({ ...readConfig({ ANNUL_SECRET: newSecret(), ...env }), log })
    const cause = Object.assign(new Error(`duplicate key: ${secret}`), {
      query: 'insert',
      parameters: [secret],
    })
    const { extensions } = auth
      .apollo()
      .formatError({ message: 'x', path: ['a'] }, new Error('Outside.', { cause }))
    await auth.close()
    const stack = expect.any(String)
    expect(told).toEqual([
      {
        message: 'A request failed.',
        id: extensions?.id,
        path: 'a',
        err: {
          type: 'Error',
          message: 'Outside.',
          stack,
          cause: { type: 'Error', message: 'A statement failed.', stack },
        },
      },
    ])
    expect(JSON.stringify(told)).not.toContain(secret)
  })
})

describe('close', () => {
  let errors: unknown[] = []
  const log = {
    info() {},
    warn: (details: object) => errors.push(details),
    error: (details: object) => errors.push(details),
  }
  afterEach(() => {
    expect(errors).toEqual([])
    errors = []
  })
  const settings = async () => {
    const { env } = await createDatabase()
    return { PORT: '0', ANNUL_LEASE_MS: '500', ANNUL_SECRET: newSecret(), ...env }
  }

  it('of an auth may be called twice at once, and again later', async () => {
    const auth = await openAuth(readConfig(await settings()), log)
    await Promise.all([auth.close(), auth.close()])
    await auth.close()
    expect(await auth.isReady()).toBe(false)
  })

  onlyPostgres('of an auth that has just been opened leaves no connection and no row of a node', async () => {
    const env = await settings()
    for (let time = 0; time < 10; time++) {
      const auth = await openAuth(readConfig(env), log)
      // Its follower is on its way: each time a little further.
      await new Promise(resolve => setTimeout(resolve, time * 3))
      await auth.close()
    }
    const url = 'DATABASE_URL' in env ? String(env.DATABASE_URL) : ''
    expect(await query(url, 'select id from annul.nodes')).toEqual([])
    const connections = `select 1 from pg_stat_activity where application_name = 'annul' and datname = current_database()`
    expect(await query(url, connections)).toEqual([])
  })

  it('of a server may be called twice at once, and again later', async () => {
    const server = await openServer(readConfig(await settings()), { logStream: { write() {} } })
    await Promise.all([server.close(), server.close()])
    await server.close()
    await expect(fetch(server.url)).rejects.toThrow('fetch failed')
  })

  it('of a server and of its auth may come together', async () => {
    const server = await openServer(readConfig(await settings()), { logStream: { write() {} } })
    await Promise.all([server.auth.close(), server.close(), server.auth.close()])
  })
})
