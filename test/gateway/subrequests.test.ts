import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { buildHTTPExecutor } from '@graphql-tools/executor-http'
import { describe, expect, it } from '@jest/globals'
import { parse } from 'graphql'
import { createGateway, type GatewayOptions } from '../../src/gateway/index.ts'
import { useFixture } from '../support/useFixture.ts'
import { listen, openStitched, useOrders } from './support.ts'

/* What happens to one subrequest. The service behind the gateway is a real one that answers as each test says. */

type Answer = (request: IncomingMessage, response: ServerResponse) => void

let answer: Answer = () => {}
const asked: IncomingMessage[] = []
const service = useFixture(() =>
  listen(
    createServer((request, response) => {
      asked.push(request)
      answer(request, response)
    }),
  ),
)

const document = parse('{ me { id } }')
const json = { 'content-type': 'application/json' }

/** The context of a client with this access token. */
function contextOf(gateway: ReturnType<typeof createGateway>, token?: string) {
  const headers = { ...(token && { authorization: `Bearer ${token}` }) }
  return gateway.context(new Request('http://gateway.example/graphql', { headers }), { address: '192.0.2.1' })
}

async function ask(to: 'toAnnul' | 'toService', answers: Answer, options: GatewayOptions = {}) {
  const gateway = createGateway(options)
  answer = answers
  const executor = buildHTTPExecutor({ endpoint: service.url, ...gateway[to] })
  const context = await contextOf(gateway, 'abc')
  return { result: JSON.parse(JSON.stringify(await executor({ document, context }))), context }
}

const unavailable = {
  data: null,
  errors: [
    {
      message: 'The service cannot answer right now. Please try again.',
      extensions: { code: 'UNAVAILABLE', retryAfter: 1, recover: 'RETRY' },
    },
  ],
}

describe('two subrequests at once', () => {
  it('of two clients are two, and each has its own answer', async () => {
    const gateway = createGateway()
    answer = (request, response) => {
      const id = request.headers.authorization
      setTimeout(() => response.writeHead(200, json).end(JSON.stringify({ data: { me: { id } } })), 50)
    }
    const executor = buildHTTPExecutor({ endpoint: service.url, ...gateway.toAnnul })
    const contexts = [await contextOf(gateway, 'ada'), await contextOf(gateway, 'bob')]
    const results = await Promise.all(contexts.map(context => executor({ document, context })))
    expect(results).toMatchObject([
      { data: { me: { id: 'Bearer ada' } } },
      { data: { me: { id: 'Bearer bob' } } },
    ])
  })

  it('of one client are two, because the second may have begun after a kill', async () => {
    const gateway = createGateway()
    let count = 0
    answer = (_request, response) => {
      const id = ++count
      setTimeout(() => response.writeHead(200, json).end(JSON.stringify({ data: { me: { id } } })), 50)
    }
    // Also where the executor is told to join them.
    const joining = { ...gateway.toService, deduplicateInflightRequests: true }
    for (const options of [gateway.toService, joining]) {
      count = 0
      const executor = buildHTTPExecutor({ endpoint: service.url, ...options })
      const contexts = [await contextOf(gateway, 'ada'), await contextOf(gateway, 'ada')]
      const results = await Promise.all(contexts.map(context => executor({ document, context })))
      expect(results.map(result => Object(result).data.me.id).sort()).toEqual([1, 2])
    }
  })

  it('are not sent by an executor that was given `fetch` alone', async () => {
    const gateway = createGateway()
    asked.length = 0
    const executor = buildHTTPExecutor({ endpoint: service.url, fetch: gateway.toAnnul.fetch })
    const result = await executor({ document, context: await contextOf(gateway, 'ada') })
    expect(result).toMatchObject({ errors: [{ message: expect.stringContaining('...gateway.toAnnul') }] })
    expect(asked).toHaveLength(0)
  })

  it('are not sent with the headers of another destination', async () => {
    const gateway = createGateway()
    asked.length = 0
    const mixed = { ...gateway.toAnnul, fetch: gateway.toService.fetch }
    const executor = buildHTTPExecutor({ endpoint: service.url, ...mixed })
    const result = await executor({ document, context: await contextOf(gateway, 'ada') })
    expect(result).toMatchObject({ errors: [{ message: expect.stringContaining('...gateway.toAnnul') }] })
    expect(asked).toHaveLength(0)
  })

  it('are not sent without the context of the gateway', () => {
    const executor = buildHTTPExecutor({ endpoint: service.url, ...createGateway().toService })
    expect(() => executor({ document, context: { auth: {} } })).toThrow('no "annul" of the gateway')
    expect(() => executor({ document })).toThrow('no "annul" of the gateway')
  })
})

describe('an answer', () => {
  it.each(['toAnnul', 'toService'] as const)('with another status is read by its body (%s)', async to => {
    const body = {
      data: null,
      errors: [{ message: 'No.', extensions: { code: 'UNAUTHENTICATED', reason: 'X' } }],
    }
    const { result } = await ask(to, (_request, response) => {
      response.writeHead(401, json).end(JSON.stringify(body))
    })
    expect(result).toEqual(body)
  })

  const others: [string, Answer][] = [
    ['a page of a proxy', (_request, response) => response.writeHead(502).end('<h1>Bad gateway</h1>')],
    [
      'a page with 200',
      (_request, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Hello</h1>'),
    ],
    [
      'JSON of another kind',
      (_request, response) => response.writeHead(500, json).end('{"message":"secret"}'),
    ],
    ['half an answer', (_request, response) => response.writeHead(503, json).end('{"data"')],
    ['a lost connection', (_request, response) => response.destroy()],
    [
      'a redirection, which would take the token elsewhere',
      (request, response) =>
        request.url === '/elsewhere'
          ? response.writeHead(200, json).end('{"data":{"me":null}}')
          : response.writeHead(307, { location: '/elsewhere' }).end(),
    ],
  ]
  it.each(others)('that is %s becomes UNAVAILABLE, and the log alone hears why', async (_name, answers) => {
    const lines: object[] = []
    const log = { warn: (details: object) => lines.push(details) }
    for (const to of ['toAnnul', 'toService'] as const)
      expect((await ask(to, answers, { log })).result).toEqual(unavailable)
    expect(lines).toMatchObject([{ url: service.url }, { url: service.url }])
  })

  it('of Annul gives its cookies and its device to the client, and that of a service nothing', async () => {
    const answers: Answer = (_request, response) =>
      response
        .writeHead(200, {
          ...json,
          'set-cookie': ['a=1; Path=/', 'b=2'],
          'annul-device': 'd',
          'x-other': '1',
        })
        .end('{"data":{"me":null},"extensions":{"annul":{"revokedOnAllNodesMs":1}}}')
    expect((await ask('toAnnul', answers)).context).toMatchObject({
      headers: [
        ['set-cookie', 'a=1; Path=/'],
        ['set-cookie', 'b=2'],
        ['annul-device', 'd'],
      ],
      annul: { extension: { revokedOnAllNodesMs: 1 } },
    })
    const { context } = await ask('toService', answers)
    expect(context.headers).toEqual([])
    expect(context).toMatchObject({ annul: { extension: undefined } })
  })
})

describe('a verifier', () => {
  const answers: Answer = (_request, response) => response.writeHead(200, json).end('{"data":{"me":null}}')

  it('that answers neither a viewer nor an error lets nobody through', async () => {
    const wrong = [undefined, null, true, {}, { userId: 1 }, Object.assign(new Error('x'), { userId: 'x' })]
    for (const decision of wrong) {
      asked.length = 0
      const { result } = await ask('toService', answers, { verifier: { decide: () => decision as never } })
      expect(result.errors).toMatchObject([{ message: expect.stringContaining('neither a viewer') }])
      expect(asked).toHaveLength(0)
    }
    const throwing = { decide: () => Promise.reject(new Error('lost')) }
    expect((await ask('toService', answers, { verifier: throwing })).result.errors).toHaveLength(1)
    expect(asked).toHaveLength(0)
  })

  it('decides about each subrequest anew, and is not asked about requests without a token', async () => {
    let decisions = 0
    const gateway = createGateway({ verifier: { decide: () => ({ userId: `${++decisions}` }) } })
    answer = answers
    const executor = buildHTTPExecutor({ endpoint: service.url, ...gateway.toService })
    const context = await contextOf(gateway, 'abc')
    await executor({ document, context })
    await executor({ document, context })
    await executor({ document, context: await contextOf(gateway) })
    expect(decisions).toBe(2)
  })
})

describe('options', () => {
  it('that do not exist, or are of the wrong type, are refused', () => {
    expect(() => createGateway({ verifer: {} } as never)).toThrow('The nearest name is "verifier".')
    expect(() => createGateway({ verifier: () => {} } as never)).toThrow('"verifier" must have')
    expect(() => createGateway({ log: console.log } as never)).toThrow('"log" must have')
    expect(() => createGateway({ fetch: 'x' } as never)).toThrow('"fetch" must be')
  })
})

const orders = useOrders()
describe.each(['apollo', 'yoga'] as const)('a client of a gateway on %s that goes away', kind => {
  const gateway = useFixture(() => openStitched({ kind, annul: service.url, orders }))

  it('takes its subrequest along', async () => {
    const ended = new Promise(resolve => {
      answer = (_request, response) => response.on('close', resolve)
    })
    asked.length = 0
    const body = JSON.stringify({ query: '{ me { id } }' })
    const client = httpRequest(`${gateway.url}/graphql`, { method: 'POST', headers: json })
    client.on('error', () => {})
    client.end(body)
    while (asked.length === 0) await new Promise(resolve => setTimeout(resolve, 5))
    client.destroy()
    await ended
  })

  it('that has its answer keeps its connection', async () => {
    answer = (_request, response) =>
      response.writeHead(200, json).end('{"data":{"me":{"id":"1","__typename":"User"}}}')
    for (let times = 0; times < 2; times++)
      expect((await gateway.send('{ me { id } }')).data).toEqual({ me: { id: '1' } })
  })
})
