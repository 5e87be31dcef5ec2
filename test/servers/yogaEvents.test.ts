import { afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { GraphQLError } from 'graphql'
import type { GraphQLContext } from '../../src/request/context.ts'
import { annulYoga } from '../../src/servers/yoga.ts'
import { openForge } from '../support/forge.ts'
import { until } from '../support/until.ts'
import { mistake } from './contract/app.ts'
import { listenWith } from './contract/listenWith.ts'
import type { SignedUp } from './contract/server.ts'
import { useYogaApp } from './yogaApp.ts'

/* Subscriptions by server-sent events, beyond what every server's contract says. */

const app = useYogaApp()
const { server } = app
let ada: SignedUp
beforeAll(async () => {
  ada = await server.signUp()
})

/** A source of events that a test feeds. */
function openSource() {
  const waiting: ((event: IteratorResult<number>) => void)[] = []
  let returned = 0
  return {
    get isListened() {
      return waiting.length > 0
    },
    get returned() {
      return returned
    },
    emit(value: number) {
      for (const tell of waiting.splice(0)) tell({ done: false, value })
    },
    // Without an answer to `return`, as of a generator that waits for its next event.
    subscribe: () => ({
      [Symbol.asyncIterator]() {
        return this
      },
      next: () => new Promise<IteratorResult<number>>(resolve => waiting.push(resolve)),
      return() {
        returned++
        return new Promise<IteratorResult<number>>(() => {})
      },
    }),
  }
}

let source = openSource()
let late = Promise.resolve()
const readers: { cancel(): Promise<void> }[] = []
afterEach(async () => {
  for (const reader of readers.splice(0)) await reader.cancel()
  source = openSource()
  late = Promise.resolve()
})

const extension = {
  typeDefs:
    'extend type Subscription { ticks: Int @auth publicTicks: Int brokenTicks: Int badTicks: Int lateTicks: Int @auth }',
  resolvers: {
    Subscription: {
      ticks: { subscribe: () => source.subscribe(), resolve: (event: number) => event },
      publicTicks: { subscribe: () => source.subscribe(), resolve: (event: number) => event },
      brokenTicks: {
        async *subscribe() {
          yield 1
          throw new Error(mistake)
        },
        resolve: (event: number) => event,
      },
      badTicks: {
        subscribe: () => source.subscribe(),
        resolve: () => {
          throw new Error(mistake)
        },
      },
      lateTicks: {
        subscribe: () => source.subscribe(),
        resolve: async (event: number) => {
          await late
          return event
        },
      },
    },
  },
}

type Options = Parameters<typeof app.make>[0]

/** Listens to a subscription. @returns what was told so far, each event as the client reads it */
async function listen(query: string, token?: string, options: Options = {}) {
  const yoga = app.make({ schema: app.auth.schema(extension), ...options })
  const request = new Request('http://shop.example/graphql', {
    method: 'POST',
    headers: {
      accept: 'text/event-stream',
      'content-type': 'application/json',
      ...(token && { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({ query }),
  })
  const response = await yoga.fetch(request)
  const told: { data?: unknown; errors?: { message: string; extensions: Record<string, unknown> }[] }[] = []
  const state = { text: '', isOver: false }
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  readers.push(reader)
  const read = async () => {
    const decoder = new TextDecoder()
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      state.text += decoder.decode(value)
      const lines = [...state.text.matchAll(/^data: (\{.*)$/gm)].map(([, json = '']) => JSON.parse(json))
      told.splice(0, told.length, ...lines)
    }
    state.isOver = true
  }
  void read()
  return { status: response.status, headers: response.headers, told, state }
}

describe('a subscription by server-sent events', () => {
  it('is refused with the status of any refused operation', async () => {
    const { status, headers, told, state } = await listen('subscription { ticks }')
    await until(() => state.isOver)
    expect([status, headers.get('www-authenticate'), headers.get('content-type')]).toEqual([
      401,
      'Bearer realm="annul"',
      'text/event-stream',
    ])
    expect(told).toMatchObject([{ errors: [{ extensions: { reason: 'TOKEN_MISSING' } }] }])
  })

  it('ends by a kill while no event is on its way, with the reason, and lets go of its source', async () => {
    const { accessToken } = await server.login(ada)
    const { told, state } = await listen('subscription { ticks }', accessToken)
    await until(() => source.isListened)
    await server.send('mutation { logout }', { token: accessToken })
    await until(() => state.isOver)
    expect(told).toEqual([
      {
        errors: [
          {
            message: 'This session was logged out.',
            extensions: { code: 'UNAUTHENTICATED', reason: 'LOGGED_OUT', recover: 'LOGIN' },
          },
        ],
      },
    ])
    expect(state.text).toMatch(/event: complete\ndata:\n\n$/)
    expect(source.returned).toBe(1)
  })

  it('ends when the token expires', async () => {
    const { accessToken } = await server.login(ada)
    const forge = openForge(server, accessToken)
    const seconds = Math.floor(Date.now() / 1000)
    const token = forge.make({ claims: { iat: seconds - 598, exp: seconds + 2 } })
    const { told, state } = await listen('subscription { ticks }', token)
    await until(() => state.isOver)
    expect(told).toMatchObject([
      { errors: [{ extensions: { reason: 'TOKEN_EXPIRED', recover: 'REFRESH' } }] },
    ])
  })

  it('sends no event that was made before a kill and is ready after it', async () => {
    const { accessToken } = await server.login(ada)
    let release = () => {}
    late = new Promise<void>(resolve => {
      release = resolve
    })
    const { told, state } = await listen('subscription { lateTicks }', accessToken)
    await until(() => source.isListened)
    source.emit(1)
    // The event was decided, and its resolver waits.
    await server.send('mutation { logout }', { token: accessToken })
    release()
    await until(() => state.isOver)
    expect(told).toMatchObject([{ errors: [{ extensions: { reason: 'LOGGED_OUT' } }] }])
    expect(state.text).not.toContain('lateTicks":1')
  })

  it('that is public goes on for everybody, with a dead token too', async () => {
    const { accessToken } = await server.login(ada)
    await server.send('mutation { logout }', { token: accessToken })
    const { told } = await listen('subscription { publicTicks }', accessToken)
    await until(() => source.isListened)
    source.emit(1)
    await until(() => told.length === 1)
    await until(() => source.isListened)
    source.emit(2)
    await until(() => told.length === 2)
    expect(told).toEqual([{ data: { publicTicks: 1 } }, { data: { publicTicks: 2 } }])
  })

  const modes: readonly [string, NonNullable<Options>['maskedErrors']][] = [
    ['at its default', undefined],
    ['off', false],
    ['an app’s own', { maskError: error => new GraphQLError(String(error)) }],
  ]
  it.each(modes)('tells mistakes as ids alone, with maskedErrors %s', async (_name, maskedErrors) => {
    const options = maskedErrors === undefined ? {} : { maskedErrors }
    const masked = [
      { message: 'Something went wrong on the server.', extensions: { code: 'INTERNAL_SERVER_ERROR' } },
    ]
    server.errors.length = 0
    const bad = await listen('subscription { badTicks }', undefined, options)
    await until(() => source.isListened)
    source.emit(1)
    await until(() => bad.told.length === 1)
    expect(bad.told).toMatchObject([{ data: { badTicks: null }, errors: masked }])

    const broken = await listen('subscription { brokenTicks }', undefined, options)
    await until(() => broken.state.isOver)
    expect(broken.told).toMatchObject([{ data: { brokenTicks: 1 } }, { errors: masked }])
    expect(bad.state.text + broken.state.text).not.toContain(mistake)
    expect(server.errors.map(({ id }) => id)).toEqual([
      bad.told[0]?.errors?.[0]?.extensions.id,
      broken.told[1]?.errors?.[0]?.extensions.id,
    ])
    expect(JSON.stringify(app.yogaLog.map(String))).not.toContain(mistake)
  })

  it('decides anew for each event who asks, on a field that says who it is', async () => {
    const schema = app.auth.schema({
      typeDefs: 'extend type Subscription { who: String }',
      resolvers: {
        Subscription: {
          who: {
            subscribe: () => source.subscribe(),
            resolve: async (_event: number, _args: unknown, { auth }: GraphQLContext) =>
              (await auth.viewerOrNull())?.userId ?? 'stranger',
          },
        },
      },
    })
    const { accessToken } = await server.login(ada)
    const { told } = await listen('subscription { who }', accessToken, { schema })
    await until(() => source.isListened)
    source.emit(1)
    await until(() => told.length === 1)
    await server.send('mutation { logout }', { token: accessToken })
    await until(() => source.isListened)
    source.emit(2)
    await until(() => told.length === 2)
    expect(told).toEqual([{ data: { who: ada.userId } }, { data: { who: 'stranger' } }])
  })

  it('is watched no longer when its client has gone', async () => {
    const { accessToken } = await server.login(ada)
    const yoga = app.make({ schema: app.auth.schema(extension) })
    const { url, close } = await listenWith(yoga as never)
    const abort = new AbortController()
    await fetch(`${url}/graphql?query=${encodeURIComponent('subscription { ticks }')}`, {
      headers: { accept: 'text/event-stream', authorization: `Bearer ${accessToken}` },
      signal: abort.signal,
    })
    await until(() => source.isListened)
    abort.abort()
    await until(() => source.returned === 1)
    await close()
  })
})

describe('answers in parts', () => {
  it.each(['{ ... @defer { news } }', '{ vaults @stream { gold } }', 'mutation { ... @defer { count } }'])(
    'are refused before anything is carried out: %s',
    async query => {
      const before = server.app.carriedOut
      const { errors, data } = await app.ask(app.make(), query, { token: ada.accessToken })
      expect({ data, messages: errors?.map(({ message }) => message) }).toMatchObject({
        data: undefined,
        messages: expect.arrayContaining([
          'Incremental delivery (@defer, @stream) is not supported by this server.',
        ]),
      })
      expect(server.app.carriedOut).toBe(before)
    },
  )

  it('are refused too where a plugin makes an answer one of several, as a live query', async () => {
    let returned = 0
    const parts = {
      [Symbol.asyncIterator]: () => ({
        next: async () => ({ done: false, value: { data: { news: 'part' } } }),
        return: async () => ({ done: true, value: ++returned }),
      }),
    }
    const live = {
      onExecute: ({ setExecuteFn }: { setExecuteFn(run: unknown): void }) => setExecuteFn(() => parts),
    }
    const { text } = await app.ask(app.make({ plugins: [live, annulYoga(app.auth)] }), '{ news }')
    expect(JSON.parse(text)).toEqual({
      errors: [
        {
          message: 'Answers in parts are not supported by this server.',
          extensions: { code: 'BAD_REQUEST' },
        },
      ],
    })
    expect(returned).toBe(1)
  })
})
