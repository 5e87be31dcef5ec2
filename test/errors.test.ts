import { describe, expect, it } from '@jest/globals'
import * as errors from '../src/errors.ts'
import { must } from './support/answers.ts'
import { openAdmin } from './support/devices.ts'
import { type TestServer, useServer } from './support/server.ts'

/* The contract's table of errors: what a program is told, in the body and in the head. */

const failures: Record<string, () => Error> = {
  FORBIDDEN: () => errors.forbidden({ roles: ['admin'], scopes: [['a', 'b']] }),
  REAUTHENTICATION_REQUIRED: () => errors.reauthenticationRequired({ maxAge: 300 }),
  SECOND_FACTOR_REQUIRED: () => errors.secondFactorRequired('abc', ['TOTP']),
  INVALID_CREDENTIALS: errors.invalidCredentials,
  BAD_USER_INPUT: () => errors.badUserInput('input.email', 'EMAIL_TAKEN', 'There is one.'),
  NOT_FOUND: () => errors.notFound('user'),
  ORIGIN_NOT_ALLOWED: errors.originNotAllowed,
  TOO_MANY_REQUESTS: () => errors.tooManyRequests(7),
  UNAVAILABLE: () => errors.unavailable(3),
}

const server = useServer({
  extension: {
    typeDefs: `extend type Query { fails(code: String!, reason: String): Int, works: Int, surely(code: String!): Int! }`,
    resolvers: {
      Query: {
        works: () => 1,
        surely: (_: unknown, { code }: { code: string }) => Promise.reject(failures[code]?.()),
        fails(_: unknown, { code, reason }: { code: string; reason: never }) {
          if (code === 'UNAUTHENTICATED') throw errors.unauthenticated(reason)
          if (code === 'INVALID_REFRESH_TOKEN') throw errors.invalidRefreshToken(reason)
          throw failures[code]?.()
        },
      },
    },
  },
})

const endings = [
  ...[
    'LOGGED_OUT',
    'SESSION_REVOKED',
    'SESSIONS_REVOKED',
    'PASSWORD_CHANGED',
    'USER_BLOCKED',
    'USER_DELETED',
  ],
  ...['REFRESH_REUSED', 'ACCOUNT_RECOVERED', 'FACTOR_REMOVED', 'EVERYTHING_REVOKED', 'SESSION_EXPIRED'],
]
const toLogIn = ['TOKEN_MISSING', 'TOKEN_INVALID', ...endings]
const [recover, retry] = ['LOGIN', { recover: 'RETRY' }]
type Row = [code: string, extras: Record<string, unknown>, status?: number, retryAfter?: string | null]
const table: Row[] = [
  ...toLogIn.map((reason): Row => ['UNAUTHENTICATED', { reason, recover }, 401]),
  ['UNAUTHENTICATED', { reason: 'TOKEN_EXPIRED', recover: 'REFRESH' }, 401],
  ['UNAUTHENTICATED', { reason: 'ACCESS_CHANGED', recover: 'REFRESH' }, 401],
  ['INVALID_CREDENTIALS', {}],
  ...toLogIn.map((reason): Row => ['INVALID_REFRESH_TOKEN', { reason, recover }]),
  ['INVALID_REFRESH_TOKEN', { reason: 'TOKEN_STALE', recover: 'REFRESH' }],
  ['REAUTHENTICATION_REQUIRED', { maxAge: 300, recover: 'REAUTHENTICATE' }],
  ['SECOND_FACTOR_REQUIRED', { challenge: 'abc', methods: ['TOTP'], recover: 'SECOND_FACTOR' }],
  ['FORBIDDEN', { required: { roles: ['admin'], scopes: [['a', 'b']] } }],
  ['BAD_USER_INPUT', { argument: 'input.email', reason: 'EMAIL_TAKEN' }],
  ['NOT_FOUND', {}],
  ['ORIGIN_NOT_ALLOWED', {}],
  ['TOO_MANY_REQUESTS', { retryAfter: 7, ...retry }, 429, '7'],
  ['UNAVAILABLE', { retryAfter: 3, ...retry }, 503, '3'],
]

/** Body and head of an answer. */
async function ask(query: string, options: Parameters<TestServer['send']>[1] = {}) {
  const { status, data, errors, headers } = await server.send(query, options)
  const [challenge, retryAfter] = [headers.get('www-authenticate'), headers.get('retry-after')]
  return { status, data, errors, extensions: errors?.map(error => error.extensions), challenge, retryAfter }
}

describe('The table of errors, a row each:', () => {
  it.each(table)('%s %j', async (code, extras, status = 200, seconds) => {
    const retryAfter = seconds ?? null
    const variables = { code, ...extras }
    const query = 'query ($code: String!, $reason: String) { fails(code: $code, reason: $reason) }'
    const answer = await ask(query, { variables })
    expect(answer).toMatchObject({ status, data: { fails: null }, extensions: [{}], retryAfter })
    expect(answer.extensions).toEqual([{ code, ...extras }])
    const [error] = answer.errors ?? []
    expect(error).toMatchObject({ message: expect.stringMatching(/^[A-Z].+\.$/), path: ['fails'] })
    const invalid = `Bearer realm="annul", error="invalid_token", error_description="${error?.message}"`
    const challenge = extras.reason === 'TOKEN_MISSING' ? 'Bearer realm="annul"' : invalid
    expect(answer.challenge).toBe(code === 'UNAUTHENTICATED' ? challenge : null)

    // Beside data, even of another field, it is an answer.
    const mixed = await ask(query.replace('{ fails', '{ works fails'), { variables })
    expect(mixed).toMatchObject({ status: 200, data: { works: 1, fails: null }, challenge: null })
    expect(mixed).toMatchObject({ extensions: [{ code, ...extras }], retryAfter: null })
  })
})

describe('The status of several errors', () => {
  const two = (a: string, b: string) => ask(`{ a: fails(${a}) b: fails(${b}) }`)
  const missing = 'code: "UNAUTHENTICATED", reason: "TOKEN_MISSING"'
  const invalid = 'code: "UNAUTHENTICATED", reason: "TOKEN_INVALID"'

  it('is that of their one code', async () => {
    expect(await two(missing, invalid)).toMatchObject({ status: 401, data: { a: null, b: null } })
    const busy = await two('code: "TOO_MANY_REQUESTS"', 'code: "TOO_MANY_REQUESTS"')
    expect(busy).toMatchObject({ status: 429, retryAfter: '7' })
    expect(await ask('{ works surely(code: "UNAVAILABLE") }')).toMatchObject({ status: 503, data: null })
  })

  it('is 200 where they differ: neither a log-out nor an outage for the whole', async () => {
    for (const [a, b] of [
      [missing, 'code: "UNAVAILABLE"'],
      ['code: "UNAVAILABLE"', 'code: "TOO_MANY_REQUESTS"'],
      [invalid, 'code: "FORBIDDEN"'],
    ] as const) {
      const answer = await two(a, b)
      expect(answer).toMatchObject({ status: 200, challenge: null, retryAfter: null })
      expect(answer.extensions).toHaveLength(2)
    }
  })
})

describe('The server itself says', () => {
  const login = 'mutation ($email: String!, $password: String!, $cookie: Boolean! = false) {'
  const input = '(input: { email: $email, password: $password, cookie: $cookie }) { expiresIn } }'

  it('UNAUTHENTICATED with 401 and the challenge of RFC 6750', async () => {
    const challenge = 'Bearer realm="annul"'
    const missing = { code: 'UNAUTHENTICATED', reason: 'TOKEN_MISSING', recover }
    expect(await ask('{ me { id } }')).toMatchObject({ status: 401, extensions: [missing], challenge })
    const answer = await ask('{ me { id } }', { token: 'x.y.z' })
    expect(answer).toMatchObject({ status: 401, extensions: [{ ...missing, reason: 'TOKEN_INVALID' }] })
    expect(answer.challenge).toBe(
      `${challenge}, error="invalid_token", error_description="The token is not valid."`,
    )
    const both = await ask('{ works user(id: "x") { id } }')
    expect(both).toMatchObject({
      status: 200,
      data: { works: 1, user: null },
      extensions: [missing],
      challenge: null,
    })
  })

  it('INVALID_CREDENTIALS, EMAIL_TAKEN and ORIGIN_NOT_ALLOWED where somebody signs in', async () => {
    const { email, password } = await server.signUp()
    const wrong = { variables: { email, password: `${password}!` } }
    expect((await ask(`${login} login${input}`, wrong)).extensions).toEqual([{ code: 'INVALID_CREDENTIALS' }])
    const taken = { code: 'BAD_USER_INPUT', argument: 'input.email', reason: 'EMAIL_TAKEN' }
    const again = await ask(`${login} register${input}`, { variables: { email, password } })
    expect(again).toMatchObject({ status: 200, data: { register: null } })
    expect(again.extensions).toEqual([taken])
    const headers = { origin: 'https://evil.example' }
    const foreign = await ask(`${login} login${input}`, {
      variables: { email, password, cookie: true },
      headers,
    })
    expect(foreign).toMatchObject({ status: 200, data: null })
    expect(foreign.extensions).toEqual([{ code: 'ORIGIN_NOT_ALLOWED' }])
    const none = { code: 'INVALID_REFRESH_TOKEN', reason: 'TOKEN_MISSING', recover }
    expect((await ask('mutation { refresh { expiresIn } }')).extensions).toEqual([none])
  })

  it('FORBIDDEN to users and NOT_FOUND to admins only', async () => {
    const [user, admin] = [await server.signUp(), await openAdmin(server)]
    const query = 'mutation { deleteUser(id: "00000000-0000-4000-8000-000000000000") }'
    const required = { roles: ['admin'] }
    const forbidden = await ask(query, { token: user.accessToken })
    expect(forbidden).toMatchObject({ status: 200, data: null, challenge: null })
    expect(forbidden.extensions).toEqual([{ code: 'FORBIDDEN', required }])
    expect((await ask(query, { token: admin.accessToken })).extensions).toEqual([{ code: 'NOT_FOUND' }])
    must(await server.send('{ me { id } }', { token: user.accessToken }))
  })
})
