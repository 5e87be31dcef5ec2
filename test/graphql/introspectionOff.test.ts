import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { getIntrospectionQuery } from 'graphql'
import { createClient } from 'graphql-ws'
import WebSocket from 'ws'
import { startTestServer, type TestServer } from '../support/server.ts'

/* ANNUL_INTROSPECTION, over HTTP and over WebSockets. */

let on: TestServer
let off: TestServer
beforeAll(async () => {
  on = await startTestServer()
  off = await startTestServer({ env: { NODE_ENV: 'production' } })
})
afterAll(async () => {
  await on.close()
  await off.close()
})

interface Result {
  readonly data?: unknown
  readonly errors?: readonly { readonly message: string; readonly extensions: unknown }[] | undefined
}

async function overHttp(
  server: TestServer,
  query: string,
  variables?: Record<string, unknown>,
): Promise<Result> {
  const { data, errors } = await server.send(query, { variables: variables ?? {} })
  return { data, errors }
}

async function overSocket(
  server: TestServer,
  query: string,
  variables?: Record<string, unknown>,
): Promise<Result> {
  const client = createClient({
    url: `${server.url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    retryAttempts: 0,
  })
  const result = await new Promise<Result>((resolve, reject) => {
    let last: Result = {}
    client.subscribe(
      { query, variables: variables ?? {} },
      {
        next: next => {
          last = next as Result
        },
        error: errors => (Array.isArray(errors) ? resolve({ errors }) : reject(errors)),
        complete: () => resolve(last),
      },
    )
  })
  await client.dispose()
  return result
}

describe.each([
  ['HTTP', overHttp],
  ['a WebSocket', overSocket],
])('Over %s', (_, ask) => {
  const byType = '{ __type(name: "User") { fields { name } } }'

  it('introspection is answered where it is on', async () => {
    expect((await ask(on, getIntrospectionQuery({ descriptions: true }))).errors).toBeUndefined()
    expect(await ask(on, byType)).toMatchObject({ data: { __type: { fields: expect.any(Array) } } })
  })

  it('introspection is refused where it is off, in fragments and under other names too; __typename is none', async () => {
    for (const query of [
      getIntrospectionQuery(),
      byType,
      '{ other: __schema { queryType { name } } }',
      'query A { ...F } fragment F on Query { ... on Query { __schema { types { name } } } }',
    ]) {
      const { data, errors } = await ask(off, query)
      expect(data).toBeUndefined()
      expect(errors?.length).toBeGreaterThan(0)
      for (const error of errors ?? [])
        expect(error).toMatchObject({
          message: 'Introspection is off on this server (ANNUL_INTROSPECTION).',
          extensions: { code: 'GRAPHQL_VALIDATION_FAILED' },
        })
    }
    expect((await ask(off, '{ __typename }')).data).toEqual({ __typename: 'Query' })
  })

  const suggesting: [string, string, Record<string, unknown>][] = [
    ['a field', '{ mee { id } }', {}],
    ['a type', 'query ($a: Useer) { me { id } }', {}],
    ['a selection', '{ me }', {}],
    ['an argument', '{ user(idd: "x") { id } }', {}],
    ['a directive', '{ me @incl { id } }', {}],
    ['a field of an input', 'query ($i: LoginInput!) { __typename @include(if: $i) }', {}],
  ]
  it.each(suggesting)(
    '%s is suggested where introspection is on, and not where it is off',
    async (_, query) => {
      const { errors: hinted = [] } = await ask(on, query)
      const { errors: bare = [] } = await ask(off, query)
      expect(bare.length).toBe(hinted.length)
      expect(bare.length).toBeGreaterThan(0)
      expect(JSON.stringify(bare)).not.toContain('Did you mean')
      hinted.forEach(({ message, extensions }, index) => {
        const [words = ''] = message.split(' Did you mean ')
        expect(bare[index]).toMatchObject({ message: words, extensions: extensions as object })
      })
    },
  )
})

it('a variable’s field is suggested where introspection is on, and not where it is off', async () => {
  const query = 'mutation ($input: LoginInput!) { login(input: $input) { expiresIn } }'
  const variables = { input: { email: 'a@example.com', password: 'a long password', cookies: true } }
  const [hinted, bare] = [await overHttp(on, query, variables), await overHttp(off, query, variables)]
  expect(hinted.errors?.[0]?.message).toContain('Did you mean "cookie"?')
  expect(bare.errors?.[0]?.message).toMatch(/Field "cookies" is not defined by type "LoginInput"\.$/)
})
