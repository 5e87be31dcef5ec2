import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { serializeError } from '../../src/log.ts'
import type { Account, TokensAnswer } from '../support/client.ts'
import { useServer } from '../support/server.ts'
import { until } from '../support/until.ts'

/* The log: one line a request, and nothing in it that a reader of logs should not have. */

const secret = 'a-secret-parameter@example.com'
/** Statements that fail for what was in their parameters: in the value's form, a unique index, and a check. */
const failing = {
  'a value of the wrong form': () => sql`select ${secret}::int`,
  'a row that is there already': () =>
    sql`insert into annul.users (id, email, email_key) values (gen_random_uuid(), ${secret}, ${secret}),
      (gen_random_uuid(), ${secret}, ${secret})`,
  'a value that is not allowed': () =>
    sql`insert into annul.users (id, email, status) values (gen_random_uuid(), ${secret}, ${secret})`,
}

const server = useServer({ onLogLine: line => lines.push(line) })
let ada: Account & TokensAnswer
let lines: string[] = []
beforeAll(async () => {
  ada = await server.signUp()
})
beforeEach(() => {
  lines = []
})

/** The lines about requests, when there are as many. A line is written when its answer has been sent. */
async function requestLines(count = 1): Promise<Record<string, unknown>[]> {
  const found = () => lines.map(line => JSON.parse(line)).filter(({ msg }) => msg === 'request')
  return until(found, ({ length }) => length >= count)
}

const always = {
  ...{ level: 30, time: expect.any(Number), pid: expect.any(Number), hostname: expect.any(String) },
  ...{ reqId: expect.any(String), msg: 'request', ms: expect.any(Number), method: 'POST', route: '/graphql' },
}

describe('The line of a request', () => {
  it('has operation, time, user, status, and of a failure the code; and there is exactly one', async () => {
    const { accessToken: token, userId } = ada
    await server.send('query Mine { me { id } }', { token })
    await server.send('query Mine { me { id } }')
    await server.send('query Both { me { id } user(id: "x") { id } }', { token })
    await server.send('{ nothing }', { token })
    const expected = [
      { ...always, operation: 'Mine', userId, status: 200 },
      { ...always, operation: 'Mine', code: 'UNAUTHENTICATED', status: 401 },
      { ...always, operation: 'Both', userId, code: 'BAD_USER_INPUT', status: 200 },
      { ...always, code: 'GRAPHQL_VALIDATION_FAILED', status: 400 },
    ]
    expect(await requestLines(expected.length)).toEqual(expected)
    expect(lines).toHaveLength(expected.length)
  })

  it('names who signed in', async () => {
    await server.login(ada)
    await server.refresh(ada.refreshToken)
    const { userId } = ada
    expect(await requestLines(2)).toEqual([
      { ...always, userId, status: 200 },
      { ...always, userId, status: 200 },
    ])
  })

  it('has the code of what was refused before GraphQL', async () => {
    const headers = { 'content-type': 'application/json' }
    await (await fetch(`${server.url}/graphql`, { method: 'POST', headers, body: `{"${secret}` })).text()
    await (await fetch(`${server.url}/${secret}`)).text()
    const { route: _, ...unknown } = always
    expect(await requestLines(2)).toEqual([
      { ...always, code: 'BAD_REQUEST', status: 400 },
      { ...unknown, method: 'GET', code: 'NOT_FOUND', status: 404 },
    ])
    expect(lines.join()).not.toContain(secret)
  })

  it('has no header, no query string, no variable, no body and no argument', async () => {
    const headers = {
      'apollo-require-preflight': secret,
      'user-agent': secret,
      cookie: `a=${secret}`,
      referer: secret,
    }
    const authorization = `Bearer ${secret}`
    const query = encodeURIComponent(`query Mine { me { id } user(id: "${secret}") { id } }`)
    const variables = encodeURIComponent(JSON.stringify({ secret }))
    const url = `${server.url}/graphql?query=${query}&variables=${variables}&token=${secret}`
    await (await fetch(url, { headers: { ...headers, authorization } })).text()
    const login =
      'mutation In($email: String!) { login(input: { email: $email, password: "none" }) { expiresIn } }'
    await server.send(login, { variables: { email: secret }, headers })
    await server.send(
      `mutation In { login(input: { email: "${secret}", password: "${secret}" }) { expiresIn } }`,
    )
    expect(await requestLines(3)).toEqual([
      { ...always, method: 'GET', operation: 'Mine', code: 'UNAUTHENTICATED', status: 401 },
      { ...always, operation: 'In', code: 'INVALID_CREDENTIALS', status: 200 },
      { ...always, operation: 'In', code: 'INVALID_CREDENTIALS', status: 200 },
    ])
    expect(lines.join()).not.toContain(secret)
  })
})

describe('An error of the database is logged without the values of its statement:', () => {
  it.each(Object.entries(failing))('%s', async (_, statement) => {
    const error = await server.rows(statement()).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    expect(error).toBeDefined()
    // The driver's error does hold it, somewhere: else this proves nothing.
    const whole = [error, (error as Error).cause].map(each =>
      JSON.stringify({ ...(each as object), text: String(each) }),
    )
    expect(whole.join()).toContain(secret)

    const written = serializeError(error)
    expect(JSON.stringify(written)).not.toContain(secret)
    expect(written.message).toBe('A statement failed.')
    expect(JSON.stringify(written)).toMatch(/"code":"(22P02|23505|23514)"/)
    expect(JSON.stringify(serializeError(new Error('Outside.', { cause: error })))).not.toContain(secret)
  })
})

describe('An error is serialized', () => {
  it('with its type, message, code, stack and causes', () => {
    const cause = Object.assign(new TypeError('Inside.'), { code: 'E_INSIDE', more: secret })
    expect(serializeError(new Error('Outside.', { cause }))).toEqual({
      type: 'Error',
      message: 'Outside.',
      stack: expect.stringMatching(/^ +at /),
      cause: {
        type: 'TypeError',
        message: 'Inside.',
        code: 'E_INSIDE',
        stack: expect.stringMatching(/^ +at /),
      },
    })
  })

  it('as its type only, where it is no error', () => {
    const shapeless = (type: string) => ({ type, message: '', stack: '' })
    expect(serializeError(secret)).toEqual(shapeless('string'))
    expect(serializeError({ message: secret })).toEqual(shapeless('object'))
    expect(serializeError(undefined)).toEqual(shapeless('undefined'))
  })

  it('also where it is its own cause', () => {
    const error = new Error('Round and round.')
    error.cause = error
    expect(serializeError(error)).toMatchObject({ type: 'Error', message: 'Round and round.' })
  })
})
