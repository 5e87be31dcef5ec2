import { describe, expect, it } from '@jest/globals'
import { startServer } from '../../../src/http/startServer.ts'
import { createApp } from '../../servers/contract/app.ts'
import { beyondBounds, withinBounds } from '../../support/boundedOperations.ts'
import { startTestServer, useServer } from '../../support/server.ts'
import { openSocket } from '../../support/socket.ts'

/* The bounds on WebSockets, under other names, and where an app has other bounds. */

const { extension } = createApp()
const server = useServer({ extension })

/** The first answer to an operation on a WebSocket of its own. */
async function overSocket(payload: object): Promise<unknown> {
  const raw = await openSocket(server.url)
  raw.send({ id: '1', type: 'subscribe', payload })
  const { payload: answer } = await raw.heard(({ type }) => type === 'next' || type === 'error')
  raw.socket.terminate()
  return answer
}

describe('On a WebSocket', () => {
  const cases = Object.entries(beyondBounds).flatMap(([code, operations]) =>
    Object.entries(operations).map(([name, operation]) => [name, code, operation] as const),
  )
  it.each(cases)('an operation beyond a bound is refused: %s: %s', async (_, code, operation) => {
    expect(await overSocket(operation)).toMatchObject([{ extensions: { code } }])
  })

  it.each(Object.entries(withinBounds))(
    'an operation within the bounds is carried out: %s',
    async (_, operation) => {
      expect(await overSocket(operation)).toEqual({ data: expect.any(Object) })
    },
  )

  it('a subscription beyond a bound never begins', async () => {
    const query = `subscription { ticks ${'... @include(if: true) { ticks } '.repeat(51)} }`
    expect(await overSocket({ query })).toMatchObject([{ extensions: { code: 'TOO_MANY_DIRECTIVES' } }])
  })

  it('each operation of a document is looked at', async () => {
    const query = `query A { news } query B { ${'... @include(if: true) { news } '.repeat(51)} }`
    expect(await overSocket({ query, operationName: 'A' })).toMatchObject([
      { extensions: { code: 'TOO_MANY_DIRECTIVES' } },
    ])
  })
})

it('A credential has its bound under the name that an app gives', async () => {
  const renamed = await startTestServer({
    app: { rename: { fields: { 'Mutation.login': 'signIn' } } } as object,
  })
  const input = '(input: { email: "nobody@example.com", password: "a wrong password" }) { expiresIn }'
  const { code } = await renamed.send(`mutation { signIn${input} b: signIn${input} }`)
  expect(code).toBe('ONE_CREDENTIAL_MUTATION')
  expect((await renamed.send(`mutation { signIn${input} }`)).code).toBe('INVALID_CREDENTIALS')
  await renamed.close()
})

it('Where an app gives other bounds, these hold', async () => {
  const other = await startTestServer({
    extension,
    bounds: { aliases: 2, tokens: 20, credentialMutations: 2 },
  })
  expect((await other.send('{ a: news b: news c: news }')).code).toBe('TOO_MANY_ALIASES')
  expect((await other.send('{ a: news b: news }')).errors).toBeUndefined()
  expect((await other.send(`{ ${'news '.repeat(30)} }`)).errors).toMatchObject([
    { message: 'The operation has more than 20 tokens.', extensions: { code: 'TOO_MANY_TOKENS' } },
  ])
  await other.close()
})

it('A bound that there is not keeps a server from starting', async () => {
  await expect(startServer({}, { bounds: { levels: 3 } as object })).rejects.toThrow(
    new TypeError('There is no bound "levels". The nearest name is "tokens".'),
  )
})
