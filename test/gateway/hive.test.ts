import { describe, expect, it } from '@jest/globals'
import { gatewayPlugin } from '../../src/gateway/hive.ts'
import { createGateway } from '../../src/gateway/index.ts'

/* What the plugin for Hive Gateway says to Hive about one subrequest. The whole runs as examples/federation. */

const gateway = createGateway()
const plugin = gatewayPlugin(gateway, { subgraph: 'accounts' })
const overWebSocket = { kind: 'http', options: { subscriptions: { kind: 'ws' } } }

async function carry(
  subgraphName: string,
  operationType: string,
  transportEntry: object,
  answer: unknown = {},
) {
  const headers = { authorization: 'Bearer abc', cookie: '__Host-annul-refresh=r', 'x-user-id': '1' }
  const request = new Request('http://gateway.example/graphql', { headers })
  const context = await gateway.context(request, { address: '192.0.2.1' })
  // What a client puts there itself.
  const extensions = { connectionParams: { authorization: 'Bearer other' } }
  const executionRequest = {
    context,
    operationType,
    extensions: extensions as { headers?: never } | undefined,
  }
  let executor: (subrequest: never) => unknown = () => answer
  plugin.onSubgraphExecute({
    subgraphName,
    transportEntry,
    executionRequest,
    executor,
    setExecutor: other => {
      executor = other
    },
  })
  return { extensions: executionRequest.extensions, result: await executor({} as never) }
}

describe('A subrequest', () => {
  it('by HTTP has the headers of its destination', async () => {
    const { extensions: toAnnul } = await carry('accounts', 'query', overWebSocket)
    expect(toAnnul).toMatchObject({
      headers: {
        authorization: 'Bearer abc',
        cookie: '__Host-annul-refresh=r',
        'x-forwarded-for': '192.0.2.1',
      },
    })
    const { extensions: toService } = await carry('orders', 'query', {})
    expect(Object.keys(toService?.headers ?? {}).sort()).toEqual([
      'annul-subrequest',
      'authorization',
      'user-agent',
      'x-forwarded-for',
    ])
  })

  it('by a WebSocket takes nothing along that the client or this plugin has written into its extensions', async () => {
    expect((await carry('accounts', 'subscription', overWebSocket)).extensions).toBeUndefined()
    expect((await carry('accounts', 'query', { kind: 'ws' })).extensions).toBeUndefined()
    expect((await carry('orders', 'subscription', overWebSocket)).extensions).toBeUndefined()
  })
})

it('the end of a WebSocket to Annul is the last event, with the reason', async () => {
  const closed = { code: 4401, reason: 'LOGGED_OUT' }
  const events = () => ({
    [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(closed) }),
  })
  const { result } = await carry('accounts', 'subscription', overWebSocket, events())
  const heard: unknown[] = []
  for await (const event of result as AsyncIterable<unknown>) heard.push(JSON.parse(JSON.stringify(event)))
  expect(heard).toMatchObject([
    { errors: [{ extensions: { code: 'UNAUTHENTICATED', reason: 'LOGGED_OUT', recover: 'LOGIN' } }] },
  ])
})
