import { randomBytes, randomUUID } from 'node:crypto'
import { appendFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { type SQL, sql } from 'drizzle-orm'
import { readConfig } from '../../src/config.ts'
import { rows } from '../../src/database/open.ts'
import { openServer } from '../../src/http/server.ts'
import type { ResponseError } from './client.ts'
import { createDatabase, variable } from './database.ts'
import type { Device } from './devices.ts'
import { useFixture } from './useFixture.ts'

/** The parts of an answer by which a race is judged. */
export interface QuickAnswer {
  readonly status: number
  readonly data: Record<string, unknown> | null | undefined
  /** Code and reason of the first error, with a space between them; `works` without an error. */
  readonly outcome: string
}

/** A user with two sessions, made by SQL: hundreds are needed, and each sign-up would cost a hash. */
export interface RaceUser {
  readonly userId: string
  readonly email: string
  readonly devices: readonly [Device, Device]
}

/**
 * A node for tens of thousands of requests. Its client does little besides sending, and its log holds warnings only, so
 * that the search of the run's log for secrets stays short.
 */
export interface RaceServer {
  readonly url: string
  readonly parts: Awaited<ReturnType<typeof openServer>>['auth']['parts']
  send(operation: string, token?: string): Promise<QuickAnswer>
  rows<Row>(statement: SQL): Promise<Row[]>
  /**
   * New users, each with two live sessions of the present epoch.
   *
   * @param options.generation of every session; default 1
   */
  makeUsers(count: number, options?: { passwordHash?: string; generation?: number }): Promise<RaceUser[]>
  /** A new admin who has signed in just now, with a second factor. */
  admin(): Promise<Device>
  close(): Promise<void>
}

/** A race server for all tests of the calling file or `describe`. */
export function useRaceServer(): RaceServer {
  return useFixture(openRaceServer)
}

async function openRaceServer(): Promise<RaceServer> {
  const env = {
    PORT: '0',
    ANNUL_LEASE_MS: '500',
    ANNUL_LIMITS: 'off',
    ANNUL_SECRET: randomBytes(32).toString('base64'),
  }
  const server = await openServer(readConfig({ ...env, ...(await createDatabase()).env }), {
    logLevel: 'warn',
    logStream: { write: line => appendFileSync(variable('TEST_LOG'), line) },
  })
  const { parts } = server.auth
  const agent = new Agent({ keepAlive: true, maxSockets: 64 })
  const execute = <Row>(statement: SQL) => rows<Row>(parts.db, statement)

  const makeUsers: RaceServer['makeUsers'] = async (count, { passwordHash = null, generation = 1 } = {}) => {
    const [{ epoch } = { epoch: 0 }] = await execute<{ epoch: number }>(
      sql`select epoch::float8 as epoch from annul.epochs`,
    )
    const time = Math.floor(parts.clock.now())
    const device = (userId: string): Device => {
      const grant = { sub: userId, ver: 1, epoch, roles: [], scope: '', auth_time: time, iat: time }
      const sessionId = randomUUID()
      const accessToken = parts.accessTokens.sign({ ...grant, sid: sessionId, exp: time + 600 })
      return {
        userId,
        sessionId,
        accessToken,
        refreshToken: parts.refreshTokens.derive({ sessionId, generation }),
      }
    }
    const users = Array.from({ length: count }, (): RaceUser => {
      const userId = randomUUID()
      return { userId, email: `${userId}@example.com`, devices: [device(userId), device(userId)] }
    })
    const devices = users.flatMap(user => user.devices)
    await execute(sql`
      insert into annul.users (id, email, email_key, password_hash)
      select id, id || '@example.com', id || '@example.com', ${passwordHash}::text
      from unnest(${arrayOf(users.map(user => user.userId))}::text::uuid[]) as made (id)`)
    await execute(sql`
      insert into annul.sessions
        (id, user_id, session_version, epoch, generation, attempts, idle_expires_at, expires_at, auth_time)
      select id, user_id, 1, ${epoch}, ${generation}, array_fill(null::bytea, array[${generation - 1}::int]),
        now() + interval '1 day', now() + interval '1 day', now()
      from unnest(
        ${arrayOf(devices.map(({ sessionId }) => sessionId))}::text::uuid[],
        ${arrayOf(devices.map(({ userId }) => userId))}::text::uuid[]) as made (id, user_id)`)
    return users
  }

  return {
    url: server.url,
    parts,
    rows: execute,
    makeUsers,
    send: (operation, token) => post(agent, server.url, operation, token),
    async admin() {
      const [user] = await makeUsers(1)
      if (!user) throw new Error('No user was made.')
      await execute(sql`update annul.users set roles = '{admin}' where id = ${user.userId}`)
      const claims = parts.accessTokens.verify(user.devices[0].accessToken)
      if (typeof claims === 'string') throw new Error(claims)
      await execute(
        sql`update annul.sessions set factor_time = to_timestamp(${claims.auth_time}::float8) where id = ${claims.sid}`,
      )
      return {
        ...user.devices[0],
        accessToken: parts.accessTokens.sign({ ...claims, roles: ['admin'], amr: ['pwd', 'otp', 'mfa'] }),
      }
    },
    async close() {
      agent.destroy()
      await server.close()
    },
  }
}

/** An array as an SQL literal. Ids need no quotes. */
function arrayOf(ids: readonly string[]): string {
  return `{${ids.join()}}`
}

function post(agent: Agent, url: string, query: string, token: string | undefined): Promise<QuickAnswer> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) }
    const sent = request(`${url}/graphql`, { agent, method: 'POST', headers }, response => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', chunk => {
        body += chunk
      })
      response.on('error', reject)
      response.on('end', () => {
        const { data, errors } = JSON.parse(body) as { data: QuickAnswer['data']; errors?: ResponseError[] }
        const { code, reason } = errors?.[0]?.extensions ?? {}
        const outcome = code === undefined ? 'works' : [code, reason].filter(Boolean).join(' ')
        resolve({ status: response.statusCode ?? 0, data, outcome })
      })
    })
    sent.on('error', reject)
    sent.end(JSON.stringify({ query }))
  })
}
