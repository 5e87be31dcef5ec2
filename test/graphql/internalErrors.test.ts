import { afterEach, describe, expect, it } from '@jest/globals'
import { GraphQLError } from 'graphql'
import { createClient } from 'graphql-ws'
import WebSocket from 'ws'
import { startTestServer, type TestServer } from '../support/server.ts'

/* Nothing internal reaches a client, in any mode: an id does, which the log carries. */

const secret = 'the-secret-of-a-resolver'
const broken: Record<string, () => unknown> = {
  error: () => {
    throw new Error(secret)
  },
  rejection: () => Promise.reject(new TypeError(secret)),
  cause: () => {
    throw new Error('Hidden too.', { cause: new Error(secret) })
  },
  codeless: () => {
    throw new GraphQLError(secret, { extensions: { more: secret } })
  },
  disguised: () => {
    throw new GraphQLError(secret, { extensions: { code: 'INTERNAL_SERVER_ERROR', more: secret } })
  },
  withCode: () => {
    throw Object.assign(new Error(secret), {
      code: 'FORBIDDEN',
      extensions: { code: 'FORBIDDEN', more: secret },
    })
  },
  object: () => {
    throw { message: secret, extensions: { code: 'FORBIDDEN' } }
  },
  text: () => Promise.reject(secret),
  nothing: () => Promise.reject(undefined),
  badInt: () => secret,
  returned: () => new Error(secret),
}
const names = Object.keys(broken)
const fields = [...names, 'meant'].map(name => `${name}: Int`).join(' ')
const meant = () => {
  throw new GraphQLError('The shop is closed.', { extensions: { code: 'CLOSED', until: 9 } })
}
const extension = {
  typeDefs: `extend type Query { ${fields} sure: Int! list: [Int] } extend type Subscription { ticks: Int begins: Int }`,
  resolvers: {
    Query: { ...broken, meant, sure: broken.error as never, list: () => [1, secret] },
    Subscription: {
      ticks: {
        async *subscribe() {
          yield { ticks: secret }
        },
      },
      begins: { subscribe: broken.error as never },
    },
  },
}

const mode = process.env.NODE_ENV
let server: TestServer
let lines: string[] = []
async function start(nodeEnv: string): Promise<void> {
  process.env.NODE_ENV = nodeEnv
  lines = []
  server = await startTestServer({ extension, onLogLine: line => lines.push(line) })
}
afterEach(async () => {
  process.env.NODE_ENV = mode
  await server.close()
})

/** The one line of the log that carries the id. */
function logged(id: unknown): Record<string, unknown> | undefined {
  const found = lines.map(line => JSON.parse(line)).filter(line => line.id === id)
  expect(found).toHaveLength(1)
  return found[0]
}

/** That an error tells an id, which the log carries, and nothing else. */
function expectHidden(error: unknown, path: (string | number)[]): void {
  expect(error).toEqual({
    message: 'Something went wrong on the server.',
    locations: [{ line: 1, column: expect.any(Number) }],
    path,
    extensions: { code: 'INTERNAL_SERVER_ERROR', id: expect.stringMatching(/^[0-9a-f-]{36}$/) },
  })
  const { extensions } = error as { extensions: { id: string } }
  expect(logged(extensions.id)).toMatchObject({ level: 50, path: path.join('.'), msg: 'A request failed.' })
}

describe.each(['production', 'development', 'test'])('With NODE_ENV=%s', nodeEnv => {
  it('whatever a resolver throws is told as an id that the log carries', async () => {
    await start(nodeEnv)
    for (const query of [...names, 'sure'].map(name => `{ ${name} }`)) {
      const response = await fetch(`${server.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query }),
      })
      const [text, head] = [await response.text(), JSON.stringify([...response.headers])]
      expect(text + head).not.toContain(secret)
      expect(text).not.toMatch(/stack|Hidden|Int cannot/)
      const { errors } = JSON.parse(text)
      expect({ status: response.status, count: errors.length }).toEqual({ status: 200, count: 1 })
      expectHidden(errors[0], [query.slice(2, -2)])
    }
  })

  it('many at once are told each with an id of its own, beside what is meant for the client', async () => {
    await start(nodeEnv)
    const { status, data, errors } = await server.send(`{ ${names.join(' ')} list meant __typename }`)
    const nulls = Object.fromEntries([...names, 'meant'].map(name => [name, null]))
    expect({ status, data }).toEqual({
      status: 200,
      data: { ...nulls, list: [1, null], __typename: 'Query' },
    })
    const byName = new Map(errors?.map(error => [error.path?.[0], error]))
    for (const name of names) expectHidden(byName.get(name), [name])
    expectHidden(byName.get('list'), ['list', 1])
    const ids = errors?.flatMap(({ extensions }) => extensions.id ?? [])
    expect(new Set(ids).size).toBe(names.length + 1)
    expect(JSON.stringify(errors)).not.toContain(secret)
    const { message, extensions } = byName.get('meant') ?? {}
    expect({ message, extensions }).toEqual({
      message: 'The shop is closed.',
      extensions: { code: 'CLOSED', until: 9 },
    })
  })

  it('a subscription tells no more', async () => {
    await start(nodeEnv)
    const url = `${server.url.replace('http', 'ws')}/graphql`
    const client = createClient({ url, webSocketImpl: WebSocket, retryAttempts: 0 })
    const listen = (field: string) =>
      new Promise<unknown>(resolve => {
        const query = `subscription { ${field} }`
        const next = ({ errors }: { errors?: unknown }) => resolve(errors)
        client.subscribe({ query }, { next: next as never, error: resolve, complete: () => {} })
      })
    for (const field of ['ticks', 'begins']) {
      const told = (await listen(field)) as unknown[]
      expect(JSON.stringify(told)).not.toContain(secret)
      expect(told).toHaveLength(1)
      expectHidden(told[0], [field])
    }
    await client.dispose()
  })
})
