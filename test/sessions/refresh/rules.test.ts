import { createHash } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { oneRow, rows } from '../../../src/database/open.ts'
import type { Account, TokensAnswer } from '../../support/client.ts'
import { createDatabase, onPostgres } from '../../support/database.ts'
import { useServer } from '../../support/server.ts'
import { createLoggedDatabase, type LoggedDatabase } from '../../support/statements.ts'
import {
  accepted,
  bodyOf,
  claimsOf,
  me,
  newAttempt,
  refreshed,
  refused,
  rotate,
  snapshot,
} from './support.ts'

const onlyPostgres = onPostgres ? it : it.skip

const logLines: string[] = []
let log: LoggedDatabase | undefined
const server = useServer(async () => {
  log = onPostgres ? await createLoggedDatabase() : undefined
  return { database: log ?? (await createDatabase()), onLogLine: line => logLines.push(line) }
})
afterAll(() => log?.close())
let account: Account & TokensAnswer
beforeAll(async () => {
  account = await server.signUp()
})

const login = () => server.login(account)
const sha256 = (text: string) => `\\x${createHash('sha256').update(text).digest('hex')}`

describe('rule 1: the current generation', () => {
  it('is rotated: the next generation’s token, and the attempt’s hash on the row', async () => {
    const tokens = await login()
    const before = await snapshot(server, tokens.session.id)
    const attempt = newAttempt()
    const next = await refreshed(server, tokens.refreshToken, attempt)
    const after = await snapshot(server, tokens.session.id)

    const { read } = server.auth.parts.refreshTokens
    expect(read(next.refreshToken)).toEqual({ sessionId: tokens.session.id, generation: 2 })
    expect(next).toMatchObject({ session: { id: tokens.session.id }, user: { id: account.userId } })
    expect(next.expiresIn).toBe(600)
    expect(await me(server, next.accessToken)).toEqual(accepted(account.userId))
    expect(after).toEqual({
      counts: before.counts,
      session: {
        ...before.session,
        generation: 2,
        attempts: [sha256(attempt)],
        rotated_at: expect.any(String),
        last_used_at: expect.any(String),
        idle_expires_at: expect.any(String),
      },
    })
  })

  it('leaves the old access token alive: nothing was revoked', async () => {
    const tokens = await login()
    await rotate(server, tokens, 2)
    expect(await me(server, tokens.accessToken)).toEqual(accepted(account.userId))
  })

  it('keeps the last eight attempts, newest first, and null where none was sent', async () => {
    const tokens = await login()
    const { attempts, last } = await rotate(server, tokens, 9)
    await refreshed(server, last.refreshToken)
    const { session } = await snapshot(server, tokens.session.id)
    expect(session.attempts).toEqual([null, ...attempts.slice(2).reverse().map(sha256)])
  })

  onlyPostgres('costs one statement, an UPDATE, whether or not an attempt is sent', async () => {
    const tokens = await login()
    await log?.statements()
    const next = await refreshed(server, tokens.refreshToken, newAttempt())
    const first = await log?.statements()
    await refreshed(server, next.refreshToken)
    const second = await log?.statements()
    expect([first, second]).toEqual(Array(2).fill([expect.stringMatching(/^update "annul"\."sessions" set/)]))
  })

  onlyPostgres('is tried again when it waited for a password change on this device', async () => {
    const tokens = await login()
    const { db } = server.auth.parts
    let answer: ReturnType<typeof server.refresh> | undefined
    // What changePassword does: this session and its user move to the next version together.
    await db.transaction(async tx => {
      await tx.execute(sql`update annul.users set session_version = session_version + 1,
        token_version = token_version + 1 where id = ${account.userId}`)
      await tx.execute(sql`update annul.sessions set session_version = session_version + 1
        where id = ${tokens.session.id}`)
      answer = server.refresh(tokens.refreshToken, newAttempt())
      const { pid } = await oneRow<{ pid: number }>(tx, sql`select pg_backend_pid() as pid`)
      await until(async () => {
        const waiting = await rows(
          server.auth.parts.decisions,
          sql`select 1 from pg_stat_activity where ${pid} = any(pg_blocking_pids(pid))`,
        )
        return waiting.length > 0
      })
    })
    const { data } = (await answer) ?? {}
    expect(data?.refresh.session.id).toBe(tokens.session.id)
    const { session } = await snapshot(server, tokens.session.id)
    expect(session).toMatchObject({ generation: 2, ended_at: null, end_reason: null })
  })
})

describe('rule 2: a session that is over', () => {
  const endings: [string, (tokens: TokensAnswer) => Promise<unknown>][] = [
    ['LOGGED_OUT', ({ accessToken: token }) => server.send('mutation { logout }', { token })],
    [
      'SESSION_REVOKED',
      ({ accessToken: token, session: { id } }) =>
        server.send('mutation ($id: ID!) { revokeSession(id: $id) }', { token, variables: { id } }),
    ],
    ['SESSIONS_REVOKED', ({ accessToken: token }) => server.send('mutation { revokeSessions }', { token })],
    ['SESSION_EXPIRED', ({ session }) => age(session.id, 'idle_expires_at', -1)],
    ['SESSION_EXPIRED', ({ session }) => age(session.id, 'expires_at', -1)],
  ]
  it.each(endings)('gives its reason to every generation, and is no theft: %s', async (reason, end) => {
    const tokens = await login()
    const chain = await rotate(server, tokens, 3)
    await end(chain.last)
    const before = await snapshot(server, tokens.session.id)
    const answers = []
    for (const token of chain.tokens) answers.push(bodyOf(await server.refresh(token, newAttempt())))
    answers.push(bodyOf(await server.refresh(chain.tokens[2] ?? '', chain.attempts[2])))
    expect(answers).toEqual(Array(5).fill(refused(reason)))
    expect(await snapshot(server, tokens.session.id)).toEqual(before)
  })
})

describe('rule 3: one generation behind with the same attempt', () => {
  it('gets the same child token and a fresh access token, and nothing is written', async () => {
    const tokens = await login()
    const { attempts, tokens: chain, last } = await rotate(server, tokens, 3)
    const before = await snapshot(server, tokens.session.id)
    for (let time = 0; time < 3; time++) {
      const replayed = await refreshed(server, chain[2] ?? '', attempts[2])
      expect(replayed).toEqual({ ...last, accessToken: expect.any(String) })
      expect(claimsOf(replayed.accessToken).jti).not.toBe(claimsOf(last.accessToken).jti)
      expect(await me(server, replayed.accessToken)).toEqual(accepted(account.userId))
    }
    expect(await snapshot(server, tokens.session.id)).toEqual(before)
    // The child is the current one: it can be used.
    expect((await refreshed(server, last.refreshToken, newAttempt())).session.id).toBe(tokens.session.id)
  })

  it.each([1, 60, 3600, 29 * 86_400])('has no limit in time: %i s later', async seconds => {
    const tokens = await login()
    const { attempts, last } = await rotate(server, tokens, 1)
    await age(tokens.session.id, 'rotated_at', -seconds)
    await age(tokens.session.id, 'last_used_at', -seconds)
    const before = await snapshot(server, tokens.session.id)
    const replayed = await refreshed(server, tokens.refreshToken, attempts[0])
    expect(replayed.refreshToken).toBe(last.refreshToken)
    expect(await snapshot(server, tokens.session.id)).toEqual(before)
  })

  it('brings the roles of now', async () => {
    const tokens = await login()
    const { attempts } = await rotate(server, tokens, 1)
    await server.rows(sql`update annul.users set roles = '{editor}' where id = ${account.userId}`)
    const replayed = await refreshed(server, tokens.refreshToken, attempts[0])
    await server.rows(sql`update annul.users set roles = '{}' where id = ${account.userId}`)
    expect(claimsOf(replayed.accessToken).roles).toEqual(['editor'])
  })
})

describe('rule 4: two to eight generations behind with the same attempt', () => {
  it('is TOKEN_STALE, nothing is revoked and nothing written', async () => {
    const tokens = await login()
    const { attempts, tokens: chain, last } = await rotate(server, tokens, 8)
    const before = await snapshot(server, tokens.session.id)
    for (let behind = 2; behind <= 8; behind++) {
      const answer = await server.refresh(chain[8 - behind] ?? '', attempts[8 - behind])
      expect([behind, bodyOf(answer)]).toEqual([behind, refused('TOKEN_STALE')])
    }
    expect(await snapshot(server, tokens.session.id)).toEqual(before)
    expect(await me(server, last.accessToken)).toEqual(accepted(account.userId))
    // The client reads its storage again, and finds the one that works.
    expect((await refreshed(server, last.refreshToken, newAttempt())).session.id).toBe(tokens.session.id)
  })
})

describe('rule 7: ahead of the row', () => {
  it('is TOKEN_INVALID with an alarm in log and metrics, and nothing is ended', async () => {
    const tokens = await login()
    const { last } = await rotate(server, tokens, 3)
    // The database went back in time.
    await server.rows(sql`update annul.sessions set generation = 2 where id = ${tokens.session.id}`)
    const before = await snapshot(server, tokens.session.id)
    const counted = await aheadCount()
    logLines.length = 0

    expect(bodyOf(await server.refresh(last.refreshToken, newAttempt()))).toEqual(refused('TOKEN_INVALID'))
    expect(await snapshot(server, tokens.session.id)).toEqual(before)
    expect(await aheadCount()).toBe(counted + 1)
    const alarms = logLines.map(line => JSON.parse(line)).filter(({ level }) => level >= 50)
    expect(alarms).toEqual([
      expect.objectContaining({
        msg: 'A refresh token is ahead of its session: was a backup restored? Run "annul restored".',
        sessionId: tokens.session.id,
        generation: 4,
      }),
    ])
  })

  async function aheadCount(): Promise<number> {
    const metrics = await (await fetch(`${server.url}/metrics`)).text()
    return Number(/^annul_refreshes_total\{outcome="AHEAD"\} (\d+)$/m.exec(metrics)?.[1] ?? 0)
  }
})

describe('an attempt', () => {
  it.each([
    ['of 22 characters', 'a'.repeat(22)],
    ['of 128 characters', 'Z'.repeat(128)],
    ['of every character there is', `${'0123456789-_.'}ABCXYZabcxyz`],
    ['of a cookie session', `${'0'.repeat(8)}-0000-4000-8000-${'0'.repeat(12)}.4711.${newAttempt()}`],
  ])('is accepted: %s', async (_, attempt) => {
    const tokens = await login()
    const next = await refreshed(server, tokens.refreshToken, attempt)
    expect((await refreshed(server, tokens.refreshToken, attempt)).refreshToken).toBe(next.refreshToken)
  })

  const bad = [
    ['empty', ''],
    ['of 21 characters', 'a'.repeat(21)],
    ['of 129 characters', 'a'.repeat(129)],
    ['of 90,000 characters', 'a'.repeat(90_000)],
    ...[...'+/=: \n\0,"\'é😀'].map(letter => [
      `with ${JSON.stringify(letter)}`,
      `${'a'.repeat(30)}${letter}`,
    ]),
    ['with a line feed before it', `\n${'a'.repeat(30)}`],
  ]
  it('is BAD_USER_INPUT when it is too short, too long or of other characters; nothing is written', async () => {
    const tokens = await login()
    const before = await snapshot(server, tokens.session.id)
    await log?.statements()
    const answers = []
    for (const [name, attempt] of bad)
      answers.push([name, bodyOf(await server.refresh(tokens.refreshToken, attempt))])
    const statements = await log?.statements()
    const message = 'An attempt has 22 to 128 characters of A-Z, a-z, 0-9, "-", "_" and ".".'
    const extensions = { code: 'BAD_USER_INPUT', argument: 'attempt', reason: 'ATTEMPT_INVALID' }
    const errors = [{ message, path: ['refresh'], locations: expect.any(Array), extensions }]
    expect(answers).toEqual(bad.map(([name]) => [name, { status: 200, data: null, errors }]))
    if (onPostgres) expect(statements).toEqual([])
    expect(await snapshot(server, tokens.session.id)).toEqual(before)
  })
})

describe('many refreshes', () => {
  it('leave no row behind', async () => {
    const tokens = await login()
    const before = await snapshot(server, tokens.session.id)
    const { tokens: chain, attempts } = await rotate(server, tokens, 50)
    for (let behind = 1; behind <= 8; behind++)
      await server.refresh(chain[50 - behind] ?? '', attempts[50 - behind])
    const after = await snapshot(server, tokens.session.id)
    expect(after.session).toMatchObject({ generation: 51, ended_at: null })
    expect(after.counts).toEqual(before.counts)
  })
})

/** Moves a time of a session to so many seconds from now. */
function age(sessionId: string, column: string, seconds: number): Promise<unknown[]> {
  return server.rows(sql`update annul.sessions set ${sql.identifier(column)} = now() + make_interval(secs => ${seconds})
    where id = ${sessionId}`)
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 10_000; Date.now() < deadline; await delay(5)) if (await holds()) return
  throw new Error('It did not come to pass.')
}
