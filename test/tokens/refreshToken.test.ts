import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { refreshTokens } from '../../src/tokens/refreshToken.ts'
import type { Account, TokensAnswer } from '../support/client.ts'
import { createDatabase, onPostgres } from '../support/database.ts'
import { respell } from '../support/forge.ts'
import { useServer } from '../support/server.ts'
import { createLoggedDatabase, type LoggedDatabase } from '../support/statements.ts'

const onlyPostgres = onPostgres ? it : it.skip

let log: LoggedDatabase | undefined
const server = useServer(async () => {
  log = onPostgres ? await createLoggedDatabase() : undefined
  return { database: log ?? (await createDatabase()) }
})
afterAll(() => log?.close())
let account: Account & TokensAnswer
beforeAll(async () => {
  account = await server.signUp()
})

const prefix = 'annul_rt_'
const bytesOf = (token: string) => Buffer.from(token.slice(prefix.length), 'base64url')
const tokenOf = (bytes: Uint8Array) => prefix + Buffer.from(bytes).toString('base64url')
/** The token with one bit of one byte flipped. */
const flip = (token: string, at: number, bit = 0) => {
  const bytes = bytesOf(token)
  bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << bit), at)
  return tokenOf(bytes)
}

const malformed = 'This is not a refresh token, or a part of it is missing.'
const foreign = 'This refresh token was issued by another server.'
const forged = 'This refresh token is not authentic.'

/** By what is wrong: the message, and tokens made from the honest one. */
const garbage: [string, string, (token: string) => string[]][] = [
  ['nothing', malformed, () => ['', ' ', prefix]],
  ['another kind of token', malformed, () => [account.accessToken, randomUUID(), 'null', 'undefined']],
  ['one that was cut short', malformed, token => [8, 20, 60, 82, 83].map(length => token.slice(0, length))],
  ['one without its beginning', malformed, token => [token.slice(1), token.slice(prefix.length)]],
  ['one with another prefix', malformed, token => [token.replace('rt', 'at'), token.toUpperCase()]],
  [
    'one with something before or after it',
    malformed,
    token => [`${token}A`, `${token}\n`, ` ${token}`, `${token}=`],
  ],
  [
    'another spelling of it',
    malformed,
    token => [prefix + respell(token.slice(prefix.length)), token.slice(0, -1).concat('=')],
  ],
  [
    'one with letters that are no base64url',
    malformed,
    token => ['+', '/', '!', 'é'].map(letter => token.slice(0, -2) + letter + token.slice(-1)),
  ],
  [
    'one of another server',
    foreign,
    () => [refreshTokens(randomBytes(32)).derive(claimsOf(account.refreshToken))],
  ],
  ['one with its key id changed', foreign, token => [0, 1, 2, 3].map(at => flip(token, at))],
  ['one with its session changed', forged, token => [4, 11, 19].map(at => flip(token, at))],
  ['one with its generation changed', forged, token => [20, 21, 22, 23].map(at => flip(token, at))],
  ['one with its MAC changed', forged, token => [24, 40, 55].map(at => flip(token, at, 7))],
  [
    'one with no MAC at all',
    forged,
    token => [tokenOf(Buffer.concat([bytesOf(token).subarray(0, 24), Buffer.alloc(32)]))],
  ],
  [
    'one whose MAC is a plain hash',
    forged,
    token => {
      const body = bytesOf(token).subarray(0, 24)
      return [tokenOf(Buffer.concat([body, createHash('sha256').update(body).digest()]))]
    },
  ],
]

function claimsOf(token: string) {
  const claims = server.auth.parts.refreshTokens.read(token)
  if (typeof claims === 'string') throw new Error(`The token is ${claims}.`)
  return claims
}

const refusalOf = (field: string, message: string) => ({
  status: 200,
  data: null,
  errors: [
    {
      message,
      locations: expect.any(Array),
      path: [field],
      extensions: { code: 'INVALID_REFRESH_TOKEN', reason: 'TOKEN_INVALID', recover: 'LOGIN' },
    },
  ],
})

const eventsOf = (userId: string) =>
  server.rows(sql`select kind, detail from annul.audit_events where user_id = ${userId} order by id`)

describe('a refresh token', () => {
  it('is derived: the same generation gives the same token, on every node with the secret', () => {
    const { refreshTokens: tokens } = server.auth.parts
    const claims = { sessionId: account.session.id, generation: 1 }
    expect(claimsOf(account.refreshToken)).toEqual(claims)
    expect(tokens.derive(claims)).toBe(account.refreshToken)
    const secret = Buffer.from(server.env.ANNUL_SECRET ?? '', 'base64')
    expect(refreshTokens(secret).derive(claims)).toBe(account.refreshToken)
  })

  it('is told by its prefix, and has one spelling of 56 bytes', () => {
    expect(account.refreshToken).toMatch(/^annul_rt_[A-Za-z0-9_-]{75}$/)
    expect(bytesOf(account.refreshToken)).toHaveLength(56)
    expect(tokenOf(bytesOf(account.refreshToken))).toBe(account.refreshToken)
  })

  it('differs by session, generation and secret', () => {
    const { refreshTokens: tokens } = server.auth.parts
    const [sessionId, other] = [randomUUID(), randomUUID()]
    const made = [
      ...[1, 2, 255, 256, 2 ** 31 - 1].map(generation => tokens.derive({ sessionId, generation })),
      tokens.derive({ sessionId: other, generation: 1 }),
      refreshTokens(randomBytes(32)).derive({ sessionId, generation: 1 }),
    ]
    expect(new Set(made).size).toBe(made.length)
    expect(made.slice(0, 6).map(token => claimsOf(token))).toEqual([
      ...[1, 2, 255, 256, 2 ** 31 - 1].map(generation => ({ sessionId, generation })),
      { sessionId: other, generation: 1 },
    ])
  })

  it('of the previous secret is accepted while the secret changes, and is told apart', () => {
    const [present, previous] = [randomBytes(32), randomBytes(32)]
    const claims = { sessionId: randomUUID(), generation: 3 }
    const changing = refreshTokens(present, previous)
    expect(changing.derive(claims)).toBe(refreshTokens(present).derive(claims))
    expect(changing.read(changing.derive(claims))).toEqual(claims)
    const former = refreshTokens(previous).derive(claims)
    expect(changing.read(former)).toEqual({ ...claims, previous: true })
    expect(refreshTokens(present).read(former)).toBe('foreign')
  })

  it('is refused whichever of its bits is flipped (ASVS 5.0 7.2.3)', () => {
    const { refreshTokens: tokens } = server.auth.parts
    const verdicts = Array.from({ length: 56 * 8 }, (_, bit) =>
      tokens.read(flip(account.refreshToken, bit >> 3, bit & 7)),
    )
    expect(verdicts).toEqual([...Array(32).fill('foreign'), ...Array(52 * 8).fill('forged')])
  })

  it('is stored nowhere, not even as a hash', async () => {
    const [row] = await server.rows<{ session: string }>(
      sql`select row_to_json(s)::text as session from annul.sessions s where id = ${account.session.id}`,
    )
    const bytes = bytesOf(account.refreshToken)
    for (const secret of [
      bytes,
      bytes.subarray(24),
      createHash('sha256').update(account.refreshToken).digest(),
    ])
      expect(row?.session).not.toContain(secret.subarray(0, 16).toString('hex'))
  })
})

describe('garbage in place of a refresh token', () => {
  it.each(garbage)('is refused with its own words: %s', async (_, message, make) => {
    for (const refreshToken of make(account.refreshToken)) {
      const { status, data, errors } = await server.refresh(refreshToken)
      expect({ status, data, errors }).toEqual(refusalOf('refresh', message))
      const logout = await server.send(
        'mutation ($refreshToken: String) { logout(refreshToken: $refreshToken) }',
        {
          variables: { refreshToken },
        },
      )
      expect({ ...logout, headers: undefined }).toMatchObject(refusalOf('logout', message))
    }
  })

  onlyPostgres('costs no query', async () => {
    await log?.statements()
    for (const [, , make] of garbage)
      for (const token of make(account.refreshToken)) await server.refresh(token)
    expect(await log?.statements()).toEqual([])
    // The count is not of something that never counts.
    await server.refresh((await server.login(account)).refreshToken)
    expect((await log?.statements())?.join()).toMatch(/update "annul"."sessions"/)
  })

  it('is no theft, and ends no session', async () => {
    const before = await eventsOf(account.userId)
    for (const [, , make] of garbage)
      for (const token of make(account.refreshToken)) await server.refresh(token)
    expect(await eventsOf(account.userId)).toEqual(before)
    const { data } = await server.refresh(account.refreshToken)
    expect(data?.refresh.session.id).toBe(account.session.id)
  })
})
