import { describe, expect, it } from '@jest/globals'
import { isNodeRequest, readHandedOver } from '../../src/request/handedOver.ts'
import { fromFetch, header } from '../../src/request/message.ts'
import { openContext } from '../../src/request/openContext.ts'

/* What servers hand over of a request, by its shape. With real servers: test/servers. */

const node = { headers: { host: 'auth.example.com' }, socket: { remoteAddress: '203.0.113.7' } }
const set: string[][] = []
const response = { appendHeader: (name: string, value: string) => set.push(['appendHeader', name, value]) }
const reply = { header: (name: string, value: string) => set.push(['header', name, value]) }
const fetched = () =>
  new Request('https://auth.example.com/graphql', { headers: { cookie: 'a=1', 'Annul-Device': 'x' } })

describe('a request that is handed over', () => {
  it.each<[string, unknown, unknown]>([
    ['as { req, res } of Node', { req: node, res: response }, undefined],
    ['as { req, res } with more beside it', { req: node, res: response, extra: 1 }, response],
    ['as (request, response) of Node', node, response],
  ])('%s sets its headers on the response', (_, first, second) => {
    set.length = 0
    const read = readHandedOver('auth.context', first, second)
    expect(read.request).toBe(node)
    expect(read.headers).toBeUndefined()
    expect(read.response).toBe(response)
    read.response.appendHeader('set-cookie', 'a=1')
    expect(set).toEqual([['appendHeader', 'set-cookie', 'a=1']])
  })

  it.each<[string, unknown, unknown]>([
    ['as (request, reply) of Fastify', node, reply],
    ['as { req, res } of Fastify', { req: node, res: reply }, undefined],
  ])('%s sets its headers on the reply', (_, first, second) => {
    set.length = 0
    const read = readHandedOver('auth.context', first, second)
    expect([read.request, read.headers]).toEqual([node, undefined])
    read.response.appendHeader('set-cookie', 'a=1')
    expect(set).toEqual([['header', 'set-cookie', 'a=1']])
  })

  it('prefers the way to append, where a response has both', () => {
    set.length = 0
    readHandedOver('auth.context', node, { ...reply, ...response }).response.appendHeader('a', 'b')
    expect(set).toEqual([['appendHeader', 'a', 'b']])
  })

  it('as a Request of the Fetch API keeps the headers of its answer in a list', () => {
    const read = readHandedOver('auth.context', fetched(), { address: '203.0.113.7' })
    expect(read.request).toEqual({
      headers: { cookie: 'a=1', 'annul-device': 'x', host: 'auth.example.com' },
      socket: { remoteAddress: '203.0.113.7' },
    })
    read.response.appendHeader('set-cookie', 'a=1')
    read.response.appendHeader('set-cookie', 'b=2')
    expect(read.headers).toEqual([
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
    ])
  })

  it.each([undefined, null, {}, { address: 7 }, { address: undefined }, 'text'])(
    'as a Request with %p has no address',
    connection => {
      const { request } = readHandedOver('auth.context', fetched(), connection)
      expect(request.socket).toEqual({ remoteAddress: undefined })
    },
  )

  it('as a Request is one beside a response, too', () => {
    expect(readHandedOver('auth.context', fetched(), response).headers).toEqual([])
  })

  it.each<[string, unknown, unknown]>([
    ['nothing', undefined, undefined],
    ['null', null, null],
    ['a text', 'POST /', response],
    ['a request alone', node, undefined],
    ['a response alone', undefined, response],
    ['{ req } alone', { req: node }, undefined],
    ['{ res } alone', { res: response }, undefined],
    ['a response that takes no headers', node, { setHeader: () => {} }],
    ['{ req, res } with such a response', { req: node, res: { header: 'text' } }, undefined],
    ['{ req, res } without headers', { req: {}, res: response }, undefined],
    ['{ req, res } of nothing', { req: null, res: response }, undefined],
    ['{ req, res } of a text', { req: 'headers', res: response }, undefined],
    ['{ req, res } of a Request', { req: fetched(), res: response }, undefined],
    ['a Request without an address of its own', { headers: new Headers() }, undefined],
    ['a URL with other headers', { url: 'https://auth.example.com', headers: {} }, undefined],
    ['a URL without headers', { url: 'https://auth.example.com' }, undefined],
  ])('is told from %s, with what is to be handed over', (_, first, second) => {
    expect(() => readHandedOver('auth.context', first, second)).toThrow(
      new TypeError(
        'auth.context takes { req, res }, (request, response), (request, reply), or a Request of the Fetch API.',
      ),
    )
  })
})

describe('the request of Node', () => {
  it('is told from one of another kind', () => {
    expect(isNodeRequest(node)).toBe(true)
    for (const other of [
      undefined,
      null,
      'text',
      {},
      { headers: {} },
      { socket: {} },
      { headers: {}, socket: null },
      { headers: null, socket: {} },
      { headers: 'text', socket: {} },
      { headers: new Headers(), socket: {} },
    ])
      expect(isNodeRequest(other)).toBe(false)
  })
})

describe('a Request of the Fetch API', () => {
  const read = (url: string, headers: Record<string, string>) =>
    fromFetch({
      url,
      headers: {
        forEach: visit => Object.entries(headers).forEach(([name, value]) => void visit(value, name)),
      },
    })

  it('has its headers in lower case, as Node has them', () => {
    expect(read('https://a.example/', { 'Annul-Device': 'x', COOKIE: 'a=1' }).headers).toEqual({
      'annul-device': 'x',
      cookie: 'a=1',
      host: 'a.example',
    })
  })

  it('has the host of its header, or else that of its URL, if that is one', () => {
    expect(read('https://a.example:8443/', {}).headers.host).toBe('a.example:8443')
    expect(read('https://a.example/', { host: 'b.example' }).headers.host).toBe('b.example')
    expect(read('/graphql', {}).headers).toEqual({})
    expect(read('/graphql', {}).socket).toEqual({ remoteAddress: undefined })
  })
})

describe('a header', () => {
  it('that was sent several times is the first of them', () => {
    const request = { headers: { one: 'a', several: ['b', 'c'], none: [] } }
    expect(['one', 'several', 'none', 'other'].map(name => header(request, name))).toEqual([
      'a',
      'b',
      undefined,
      undefined,
    ])
  })
})

describe('auth.context', () => {
  const auth = { auth: 'the context' } as never
  const opened: unknown[][] = []
  const context = openContext((...all) => {
    opened.push(all)
    return auth
  }) as (...all: unknown[]) => Promise<object>

  it('opens the context of what is handed over', async () => {
    opened.length = 0
    expect(await context({ req: node, res: response })).toBe(auth)
    expect(await context(node, response)).toBe(auth)
    expect(opened).toEqual([
      [node, response],
      [node, response],
    ])
  })

  it('adds the headers of the answer for a Request of the Fetch API', async () => {
    opened.length = 0
    const made = await context(fetched())
    expect(made).toEqual({ auth: 'the context', headers: [] })
    const [[, answer] = []] = opened
    ;(answer as typeof response).appendHeader('set-cookie', 'a=1')
    expect(made).toEqual({ auth: 'the context', headers: [['set-cookie', 'a=1']] })
  })

  it('rejects anything else', async () => {
    await expect(context('text')).rejects.toThrow(/^auth\.context takes \{ req, res \}/)
  })
})
