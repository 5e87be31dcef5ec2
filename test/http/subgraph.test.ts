import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { readConfig } from '../../src/config.ts'
import { postOperation } from '../support/client.ts'
import { startTestServer, type TestServer, useServer } from '../support/server.ts'
import { until } from '../support/until.ts'

/* ANNUL_FEDERATION=on: a gateway makes an error of its own of any status but 200, so every answer has that one. */

const server = useServer({ env: { ANNUL_FEDERATION: 'on' } })

/** What a gateway reads: the status, and each error's code. */
async function answer(response: Response) {
  const { errors = [] } = (await response.json()) as { errors?: { extensions: { code: string } }[] }
  return { status: response.status, codes: errors.map(({ extensions }) => extensions.code) }
}
const ask = async (query: string, headers: Record<string, string> = {}) =>
  answer(await postOperation(server.url, query, { headers }))
const post = async (body: string, headers: Record<string, string> = {}) =>
  answer(
    await fetch(`${server.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    }),
  )

describe('With ANNUL_FEDERATION=on, HTTP says 200', () => {
  it('where the sender is not signed in, and the error says so as ever', async () => {
    const { status, headers, errors } = await server.send('{ me { id } }')
    expect({ status, challenge: headers.get('www-authenticate') }).toEqual({ status: 200, challenge: null })
    expect(errors).toEqual([
      {
        message: 'You are not signed in.',
        path: ['me'],
        locations: [expect.anything()],
        extensions: { code: 'UNAUTHENTICATED', reason: 'TOKEN_MISSING', recover: 'LOGIN' },
      },
    ])
  })

  it('where an operation can not be carried out', async () => {
    expect(await ask('{')).toEqual({ status: 200, codes: ['GRAPHQL_PARSE_FAILED'] })
    expect(await ask('{ nothing }')).toEqual({ status: 200, codes: ['GRAPHQL_VALIDATION_FAILED'] })
    const wide = Array.from({ length: 40 }, (_, at) => `a${at}: __typename`).join(' ')
    expect(await ask(`{ ${wide} }`)).toEqual({ status: 200, codes: ['TOO_MANY_ALIASES'] })
    expect(await ask('subscription { sessionEvents { kind } }')).toEqual({
      status: 200,
      codes: ['BAD_REQUEST'],
    })
    const accept = 'application/graphql-response+json'
    expect(await ask('{ nothing }', { accept })).toEqual({
      status: 200,
      codes: ['GRAPHQL_VALIDATION_FAILED'],
    })
  })

  it('where the request can not be read', async () => {
    expect(await post('{')).toEqual({ status: 200, codes: ['BAD_REQUEST'] })
    expect(await post('{}', { 'content-type': 'text/plain' })).toEqual({
      status: 200,
      codes: ['BAD_REQUEST'],
    })
    expect(await post(JSON.stringify({ query: ' '.repeat(2 ** 20) }))).toEqual({
      status: 200,
      codes: ['BODY_TOO_LARGE'],
    })
  })

  it('where a page of a foreign origin is refused, but not where a browser asks before', async () => {
    const foreign = { origin: 'https://evil.example.com', 'sec-fetch-site': 'cross-site' }
    expect(await ask('{ __typename }', foreign)).toEqual({ status: 200, codes: ['ORIGIN_NOT_ALLOWED'] })
    expect(await preflightOf(server.url, foreign)).toEqual(await preflightOf(plainServer.url, foreign))
    expect((await preflightOf(server.url, foreign))[0]).not.toBe(200)
  })

  it('and other routes say what they have always said', async () => {
    expect((await fetch(`${server.url}/nowhere`)).status).toBe(404)
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200)
  })
})

async function preflightOf(url: string, foreign: Record<string, string>) {
  const { status, headers } = await fetch(`${url}/graphql`, {
    method: 'OPTIONS',
    headers: {
      ...foreign,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization',
    },
  })
  return [status, headers.get('access-control-allow-origin')]
}

let plainServer: TestServer
beforeAll(async () => {
  plainServer = await startTestServer()
})
afterAll(() => plainServer.close())

describe('Without the setting', () => {
  it('there is no subgraph, and the statuses are those of the contract', async () => {
    expect(await answer(await postOperation(plainServer.url, '{ me { id } }'))).toEqual({
      status: 401,
      codes: ['UNAUTHENTICATED'],
    })
    expect(await answer(await postOperation(plainServer.url, '{ _service { sdl } }'))).toMatchObject({
      codes: ['GRAPHQL_VALIDATION_FAILED'],
    })
  })
})

describe('A subgraph', () => {
  it('answers 200 beyond ANNUL_MAX_IN_FLIGHT', async () => {
    let release = () => {}
    let waiting = 0
    const gate = new Promise<void>(resolve => {
      release = resolve
    })
    const slow = async () => {
      waiting++
      await gate
      return 1
    }
    const busy = await startTestServer({
      env: { ANNUL_FEDERATION: 'on' },
      extension: { typeDefs: 'extend type Query { slow: Int }', resolvers: { Query: { slow } } },
      config: { maxInFlight: 1 },
    })
    try {
      const first = busy.send('{ slow }')
      await until(() => waiting === 1)
      const refused = await busy.send('{ slow }')
      expect(refused).toMatchObject({ status: 200, code: 'UNAVAILABLE' })
      expect(refused.errors?.[0]?.extensions).toMatchObject({ retryAfter: 1, recover: 'RETRY' })
      release()
      expect((await first).data).toEqual({ slow: 1 })
    } finally {
      release()
      await busy.close()
    }
  })

  it('tells no client how long its resolvers take', async () => {
    const headers = { 'apollo-federation-include-trace': 'ftv1' }
    const response = await postOperation(server.url, '{ __typename }', { headers })
    expect(await response.json()).toEqual({ data: { __typename: 'Query' } })
  })

  it('shows its SDL only where introspection is on', async () => {
    const closed = await startTestServer({ env: { ANNUL_FEDERATION: 'on', ANNUL_INTROSPECTION: 'off' } })
    try {
      const { errors, status } = await closed.send('{ _service { sdl } }')
      expect(status).toBe(200)
      expect(errors?.map(({ message }) => message)).toEqual([
        'Introspection is off on this server (ANNUL_INTROSPECTION).',
      ])
      const { userId, accessToken: token } = await closed.signUp()
      const query = `{ _entities(representations: [{ __typename: "User", id: "${userId}" }]) { ... on User { id } } }`
      expect((await closed.send(query, { token })).data).toEqual({ _entities: [{ id: userId }] })
    } finally {
      await closed.close()
    }
    const { data } = await server.send<{ _service: { sdl: string } }>('{ _service { sdl } }')
    expect(data?._service.sdl).toMatch(/^extend schema @link/)
  })

  it('may be served by an app’s setting, and left out by its schema', () => {
    expect(readConfig({ ANNUL_FEDERATION: 'on' }).federation).toBe(true)
    expect(server.auth.schema().getType('_Entity')).toBeDefined()
    expect(server.auth.schema({ federation: undefined as never }).getType('_Entity')).toBeDefined()
    expect(server.auth.schema({ federation: false }).getType('_Entity')).toBeUndefined()
    expect(plainServer.auth.schema({ federation: true }).getType('_Entity')).toBeDefined()
  })
})
