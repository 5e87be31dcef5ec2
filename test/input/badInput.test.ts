import { beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { must } from '../support/answers.ts'
import { badInputs } from '../support/badInputs.ts'
import type { Account, TokensAnswer } from '../support/client.ts'
import { type Device, openMfaAdmin } from '../support/devices.ts'
import { startTestServer, useServer } from '../support/server.ts'

/* What nobody should send: each gets its own clear error, and changes nothing in any table. */

// Long pages are asked for here: the bound of an operation's cost would refuse them first.
const server = useServer({ bounds: { cost: Number.MAX_SAFE_INTEGER } })
let ada: Account & TokensAnswer
let admin: Device
const refreshTokens: Record<string, string> = {}
beforeAll(async () => {
  const other = await startTestServer()
  const foreign = (await other.signUp()).refreshToken
  await other.close()
  ada = await server.signUp()
  admin = await openMfaAdmin(server)
  const gone = await server.signUp()
  must(await server.send(`mutation { deleteUser(id: "${gone.userId}") }`, { token: admin.accessToken }))
  const last = ada.refreshToken.endsWith('A') ? 'E' : 'A'
  Object.assign(refreshTokens, {
    'cut short': ada.refreshToken.slice(0, -1),
    'with one more character': `${ada.refreshToken}A`,
    'without its prefix': ada.refreshToken.slice(9),
    empty: '',
    'with a NUL': `${ada.refreshToken.slice(0, -1)}\0`,
    'with a lone surrogate': `${ada.refreshToken.slice(0, -1)}\ud800`,
    'an access token': ada.accessToken,
    'with another generation': `${ada.refreshToken.slice(0, 40)}C${ada.refreshToken.slice(41)}`,
    'with another signature': ada.refreshToken.slice(0, -4) + last + ada.refreshToken.slice(-3),
    'of another server': foreign,
    'of a deleted user': gone.refreshToken,
  })
})

/** All rows of all tables, the migrations' included; not the signs of life of nodes, which they give by themselves. */
async function everything(...but: string[]): Promise<string> {
  const tables = await server.rows<{ name: string }>(
    sql`select tablename as name from pg_tables where schemaname = 'annul' order by 1`,
  )
  const kept = tables.map(({ name }) => name).filter(name => name !== 'nodes' && !but.includes(name))
  expect(kept).toEqual(expect.arrayContaining(['users', 'sessions', 'epochs', 'revocations', 'signing_keys']))
  const all = kept.map(name => `(select json_agg(t order by t::text) from annul."${name}" t) as "${name}"`)
  return JSON.stringify(await server.rows(sql.raw(`select ${all.join()}`)))
}

/** What a client is told; and that the tables are as they were. */
async function leavesAll<T>(act: () => Promise<T>, ...but: string[]): Promise<T> {
  const before = await everything(...but)
  const answer = await act()
  expect(await everything(...but)).toBe(before)
  return answer
}

describe('BAD_USER_INPUT, with reason and argument, and no trace:', () => {
  it.each(badInputs)('%s', async (_, argument, reason, query, own) => {
    const variables = { ...own, refreshToken: ada.refreshToken }
    const token = admin.accessToken
    const { status, data, errors } = await leavesAll(() => server.send(query, { variables, token }))
    expect({ status, data: Object.values(data ?? {}) }).toMatchObject({
      status: 200,
      data: data ? [null] : [],
    })
    expect(errors).toMatchObject([{ message: expect.stringMatching(/^[A-Z"].{20,}\.$/) }])
    expect(errors?.map(({ extensions }) => extensions)).toEqual([
      { code: 'BAD_USER_INPUT', argument, reason },
    ])
  })
})

describe('INVALID_REFRESH_TOKEN, and no trace:', () => {
  const why: Record<string, string> = {
    'with another generation': 'This refresh token is not authentic.',
    'with another signature': 'This refresh token is not authentic.',
    'of another server': 'This refresh token was issued by another server.',
    'of a deleted user': 'This account was deleted.',
  }
  const malformed = 'This is not a refresh token, or a part of it is missing.'
  const names = ['cut short', 'with one more character', 'without its prefix', 'empty', 'with a NUL']
    .concat(['with a lone surrogate', 'an access token'])
    .concat(Object.keys(why))
  const refresh = 'mutation ($t: String, $a: String) { refresh(refreshToken: $t, attempt: $a) { expiresIn } }'
  const logout = 'mutation ($t: String) { logout(refreshToken: $t) }'

  it.each(names)('a refresh token %s', async name => {
    const variables = { t: refreshTokens[name] }
    const reason = name === 'of a deleted user' ? 'USER_DELETED' : 'TOKEN_INVALID'
    const extensions = { code: 'INVALID_REFRESH_TOKEN', reason, recover: 'LOGIN' }
    const message = why[name] ?? malformed
    const answer = await leavesAll(() => server.send(refresh, { variables }))
    expect(answer).toMatchObject({ status: 200, data: null, errors: [{ message }] })
    expect(answer.errors?.map(error => error.extensions)).toEqual([extensions])

    const ended = await leavesAll(() => server.send(logout, { variables }))
    // Its session is over, as was asked for.
    if (name === 'of a deleted user') expect(ended).toMatchObject({ status: 200, data: { logout: false } })
    else expect(ended).toMatchObject({ status: 200, data: null, errors: [{ message, extensions }] })
  })
})

describe('Refused before GraphQL, and no trace:', () => {
  const json = { 'content-type': 'application/json' }
  const post = (body: string, headers: Record<string, string> = json) => ({ method: 'POST', headers, body })
  const typed = (type: string) => post('{"query":"mutation { revokeSessions }"}', { 'content-type': type })
  const big = `{"query":"mutation { revokeSessions }","x":"${'x'.repeat(100_000)}"}`
  const mutation = `?query=${encodeURIComponent('mutation { revokeSessions }')}`
  const preflight = { headers: { 'apollo-require-preflight': '1' } }
  const operation = (query: string, variables = {}) => post(JSON.stringify({ query, variables }))
  const fine = 'a password of length'
  const login = 'mutation ($i: LoginInput!) { login(input: $i) { expiresIn } }'
  const forgery = /^This operation has been blocked as a potential Cross-Site Request Forgery/
  const [noJson, type] = ['The body is not valid JSON.', 'The body must be of the type application/json.']
  const requests: [
    name: string,
    status: number,
    code: string,
    message: unknown,
    RequestInit,
    search?: string,
  ][] = [
    ['malformed JSON', 400, 'BAD_REQUEST', noJson, post('{"query":')],
    ['no JSON', 400, 'BAD_REQUEST', noJson, post('mutation { revokeSessions }')],
    ['a key that is no key', 400, 'BAD_REQUEST', noJson, post('{"query":"{ me }","__proto__":{}}')],
    ['an empty body', 400, 'BAD_REQUEST', 'The body is empty.', post('')],
    ['null', 400, 'BAD_REQUEST', /JSON object has no keys/, post('null')],
    ['a batch', 400, 'BAD_REQUEST', /batching/, post('[{"query":"mutation { revokeSessions }"}]')],
    ['a query that is a number', 400, 'BAD_REQUEST', /must be strings/, post('{"query":1}')],
    ['variables in text', 400, 'BAD_REQUEST', /as an object/, post('{"query":"{ me }","variables":"{}"}')],
    ['over 100 kB', 413, 'BODY_TOO_LARGE', 'The body is larger than 100000 bytes.', post(big)],
    ['text/plain', 400, 'BAD_REQUEST', forgery, typed('text/plain')],
    ['a form', 415, 'BAD_REQUEST', type, typed('application/x-www-form-urlencoded')],
    ['an upload', 415, 'BAD_REQUEST', type, typed('multipart/form-data; boundary=x')],
    ['another type', 415, 'BAD_REQUEST', type, typed('application/graphql')],
    ['a mutation by GET', 405, 'BAD_REQUEST', /only support query operations/, preflight, mutation],
    ['a mutation by a link', 400, 'BAD_REQUEST', forgery, {}, mutation],
    ['bad variables by GET', 400, 'BAD_REQUEST', /invalid JSON/, preflight, `${mutation}&variables=x`],
    ['PUT', 404, 'NOT_FOUND', 'There is nothing at this address.', { ...post('{}'), method: 'PUT' }],
    ['no GraphQL', 400, 'GRAPHQL_PARSE_FAILED', /^Syntax Error/, operation('mutation { revokeSessions')],
    ['a NUL', 400, 'GRAPHQL_PARSE_FAILED', /^Syntax Error/, operation('mutation { revokeSessions }\0')],
    [
      'an unknown field',
      400,
      'GRAPHQL_VALIDATION_FAILED',
      /"end"/,
      operation('mutation { revokeSessions end }'),
    ],
    [
      'an unknown argument',
      400,
      'GRAPHQL_VALIDATION_FAILED',
      /"x"/,
      operation('mutation { revokeSessions(x: 1) }'),
    ],
    [
      'an unknown input field',
      400,
      'BAD_USER_INPUT',
      /"x" is not defined/,
      operation(login, { i: { email: 'a@b.c', password: fine, x: 1 } }),
    ],
    ['a missing variable', 400, 'BAD_USER_INPUT', /was not provided/, operation(login)],
    [
      'a list for a text',
      400,
      'BAD_USER_INPUT',
      /String cannot/,
      operation(login, { i: { email: [], password: fine } }),
    ],
  ]

  it.each(requests)('%s: %i %s', async (_, status, code, message, init, search = '') => {
    const authorization = `Bearer ${ada.accessToken}`
    const response = await leavesAll(() =>
      fetch(`${server.url}/graphql${search}`, { ...init, headers: { ...init.headers, authorization } }),
    )
    const { data, errors } = (await response.json()) as { data?: unknown; errors: { message: string }[] }
    expect({ status: response.status, data }).toEqual({ status, data: undefined })
    expect(errors[0]).toMatchObject({ extensions: { code } })
    if (message instanceof RegExp) expect(errors[0]?.message).toMatch(message)
    else expect(errors.map(error => error.message)).toEqual([message])
    expect(response.headers.get('allow')).toBe(status === 405 ? 'POST' : null)
  })
})

it('A password of control characters is wrong like any other: only the audit of failed logins grows', async () => {
  const query = `mutation ($e: String!, $p: String!) { login(input: { email: $e, password: $p }) { expiresIn } }`
  for (const p of ['\0', '\ud800', `${ada.password}\0`, '']) {
    const act = () => server.send(query, { variables: { e: ada.email, p } })
    const answer = await leavesAll(act, 'audit_events')
    expect(answer).toMatchObject({ status: 200, data: null, errors: [{ path: ['login'] }] })
    expect(answer.errors?.map(error => error.extensions)).toEqual([{ code: 'INVALID_CREDENTIALS' }])
  }
  const kinds = await server.rows(sql`select kind from annul.audit_events order by id desc limit 5`)
  expect(kinds).toEqual([...Array(4).fill({ kind: 'login-failed' }), { kind: 'delete-user' }])
})
