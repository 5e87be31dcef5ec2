import { once } from 'node:events'
import { readFileSync, statSync } from 'node:fs'
import { request } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import postgres from 'postgres'
import { annul, newSecret, startNode } from '../support/command.ts'
import { createDatabase, onPostgres, temporaryDirectory } from '../support/database.ts'
import { createEmptyDatabase, query } from '../support/sql.ts'
import { until } from '../support/until.ts'

const onlyPostgres = onPostgres ? it : it.skip
const onlyEmbedded = onPostgres ? it.skip : it
const me = '{ me { id } }'

describe('the first start on the embedded database', () => {
  onlyEmbedded(
    'says where it listens, that it serves one process, and how to make the first admin, which works',
    async () => {
      const dir = join(await temporaryDirectory(), 'data')
      const env = { ANNUL_DATA_DIR: dir }
      const first = await startNode(env)
      expect(first.url).toMatch(/^http:\/\/127\.0\.0\.1:[1-9]\d*$/)
      expect(first.output.stdout).toBe(
        [
          `Annul is ready at ${first.url}/graphql`,
          `The embedded database in ${dir} serves this one process. For more nodes set DATABASE_URL to a PostgreSQL server.`,
          'There is no admin yet. To make one:',
          '  node dist/main.js create-user --email you@example.com --roles admin\n',
        ].join('\n'),
      )
      // Nobody else may read it.
      expect(statSync(dir).mode & 0o777).toBe(0o700)
      expect(statSync(join(dir, 'secret')).mode & 0o777).toBe(0o600)
      expect(Buffer.from(readFileSync(join(dir, 'secret'), 'utf8'), 'base64')).toHaveLength(32)
      const account = await first.signUp()
      expect((await first.stop()).status).toBe(0)

      const command = first.output.stdout.match(/node dist\/main\.js (.+)\n/)?.[1] ?? ''
      const password = 'the first of all admins'
      expect((await annul(command.split(' '), env, `${password}\n`)).status).toBe(0)

      const second = await startNode(env)
      expect(second.output.stdout).not.toContain('no admin')
      const admin = await second.login({ email: 'you@example.com', password })
      const roles = await second.send('{ me { roles } }', { token: admin.accessToken })
      expect(roles.data).toEqual({ me: { roles: ['admin'] } })
      // Keys and secret are those of the first start.
      const before = await second.send(me, { token: account.accessToken })
      expect(before.data).toEqual({ me: { id: account.userId } })
      await second.stop()
      // A new embedded database takes five seconds of work.
    },
    90_000,
  )
})

describe('the start on PostgreSQL', () => {
  onlyPostgres('brings up several nodes at once on an empty database, which is migrated once', async () => {
    const url = await createEmptyDatabase()
    const env = { DATABASE_URL: url, ANNUL_SECRET: newSecret() }
    const nodes = await Promise.all([startNode(env), startNode(env), startNode(env)])

    const applied = await query(url, 'select hash from annul.migrations')
    const journal: { entries: unknown[] } = JSON.parse(readFileSync('drizzle/meta/_journal.json', 'utf8'))
    expect(applied).toHaveLength(journal.entries.length)
    expect(new Set(applied.map(row => row.hash)).size).toBe(journal.entries.length)
    expect(await query(url, 'select id from annul.signing_keys')).toHaveLength(1)
    expect(await query(url, 'select epoch from annul.epochs')).toEqual([{ epoch: '1' }])
    // Everything of ours, the bookkeeping included, is in a schema of our own.
    const schemas = await query(
      url,
      `select distinct schemaname::text as name from pg_tables where schemaname not in ('pg_catalog', 'information_schema')`,
    )
    expect(schemas).toEqual([{ name: 'annul' }])

    const [first, ...others] = nodes
    const account = await first.signUp()
    for (const other of others)
      expect((await other.send(me, { token: account.accessToken })).data).toEqual({
        me: { id: account.userId },
      })
    expect(first.output.stdout).toMatch(
      /^Annul is ready at .+\nThere is no admin yet\. To make one:\n .*create-user/,
    )
    await Promise.all(nodes.map(node => node.stop()))
    expect(await query(url, 'select id from annul.nodes')).toEqual([])
  })
})

describe('SIGTERM', () => {
  it('lets a request that has begun finish, accepts nothing new, and ends with status 0', async () => {
    const { env } = await createDatabase()
    const node = await startNode({ ANNUL_SECRET: newSecret(), ...env })
    const account = await node.signUp()
    const begun = await beginRequest(node.url, {
      query: 'mutation ($input: LoginInput!) { login(input: $input) { user { id } } }',
      variables: { input: { email: account.email, password: account.password } },
    })

    node.process.kill('SIGTERM')
    await until(
      () => accepts(node.url),
      accepted => !accepted,
    )
    expect(node.process.exitCode).toBeNull()
    expect(await begun.finish()).toEqual({
      status: 200,
      body: { data: { login: { user: { id: account.userId } } } },
    })
    expect(await node.ended).toMatchObject({ status: 0 })
    expect(node.output.stdout).not.toMatch(/error/i)
  })

  onlyPostgres('lets a revocation finish that waits for a lock in the database', async () => {
    const { env } = await createDatabase()
    const node = await startNode({ ANNUL_SECRET: newSecret(), ...env })
    const account = await node.signUp()
    const url = env.DATABASE_URL ?? ''
    const sql = postgres(url, { max: 1, onnotice: () => {} })
    const lock = await sql.reserve()
    await lock`begin`
    await lock`select 1 from annul.users where id = ${account.userId} for update`

    const revoking = node.send('mutation { revokeSessions }', { token: account.accessToken })
    const waiting = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
    await until(
      () => query(url, waiting),
      found => found.length > 0,
    )
    node.process.kill('SIGTERM')
    await until(
      () => accepts(node.url),
      accepted => !accepted,
    )
    await lock`commit`
    expect(await revoking).toMatchObject({ status: 200, data: { revokeSessions: true } })
    expect((await node.ended).status).toBe(0)
    lock.release()
    await sql.end()
  })

  it('ends at once when nobody waits, although connections are kept alive, and SIGINT does the same', async () => {
    const { env } = await createDatabase()
    const settings = { ANNUL_SECRET: newSecret(), ...env }
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      const node = await startNode(settings)
      const open = connect(Number(new URL(node.url).port), '127.0.0.1')
      await once(open, 'connect')
      expect((await node.send(me)).reason).toBe('TOKEN_MISSING')
      expect(await node.stop(signal)).toMatchObject({ status: 0 })
      open.destroy()
    }
  })
})

/** Sends the head of a request, and holds the body back until `finish`. The server has confirmed that it waits for it. */
async function beginRequest(url: string, content: unknown) {
  const body = JSON.stringify(content)
  const length = Buffer.byteLength(body)
  const headers = {
    'content-type': 'application/json',
    'content-length': length,
    expect: '100-continue',
  }
  const sent = request(`${url}/graphql`, { method: 'POST', agent: false, headers })
  sent.flushHeaders()
  await once(sent, 'continue')
  return {
    async finish(): Promise<{ status: number | undefined; body: unknown }> {
      sent.end(body)
      const [response] = await once(sent, 'response')
      let text = ''
      for await (const chunk of response) text += chunk
      return { status: response.statusCode, body: JSON.parse(text) }
    },
  }
}

function accepts(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url)
  return new Promise(resolve => {
    const socket = connect(Number(port), hostname)
    socket.once('connect', () => resolve(socket.destroy() !== undefined))
    socket.once('error', () => resolve(false))
  })
}
