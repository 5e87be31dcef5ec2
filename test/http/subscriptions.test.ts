import { isDeepStrictEqual } from 'node:util'
import { describe, expect, it } from '@jest/globals'
import { type Client, createClient } from 'graphql-ws'
import WebSocket from 'ws'
import { onPostgres } from '../support/database.ts'
import { startTestServer, type TestServer, useSecondNode, useServer } from '../support/server.ts'

const onlyPostgres = onPostgres ? it : it.skip

const first = useServer()
const second = useSecondNode(first)

interface Closed {
  readonly code: number
  readonly reason: string
}

/** A socket that is open and acknowledged, with all that it was told. */
async function open(server: TestServer, token?: string) {
  const events: Record<string, unknown>[] = []
  let client: Client | undefined
  let socket: WebSocket | undefined
  const closed = new Promise<Closed>(resolve => {
    client = createClient({
      url: `${server.url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      lazy: false,
      retryAttempts: 0,
      onNonLazyError: () => {},
      connectionParams: token === undefined ? {} : { accessToken: token },
      on: {
        opened: opened => {
          socket = opened as WebSocket
        },
        closed: event => resolve(event as Closed),
      },
    })
  })
  const acknowledged = new Promise<void>(resolve => client?.on('connected', () => resolve()))
  await Promise.race([acknowledged, closed])
  return {
    events,
    closed,
    send: (message: object) => socket?.send(JSON.stringify(message)),
    subscribe(query: string) {
      const failure = new Promise<unknown>(resolve =>
        client?.subscribe(
          { query },
          {
            next: ({ data, errors }) => (errors ? resolve(errors) : events.push(data as never)),
            error: resolve,
            complete: () => {},
          },
        ),
      )
      return failure
    },
    close: () => client?.dispose(),
  }
}

const sessionEvents = 'subscription { sessionEvents { kind reason session { id current } } }'

async function until(condition: () => Promise<boolean>, everyMs = 20): Promise<void> {
  const end = performance.now() + 20_000
  while (!(await condition())) {
    if (performance.now() > end) throw new Error('It did not come true within 20 s.')
    await new Promise(resolve => setTimeout(resolve, everyMs))
  }
}

describe('subscriptions', () => {
  it("tell a user's devices what is opened and ended, and nobody else", async () => {
    const ada = await first.signUp()
    const eve = await first.signUp()
    const own = await open(second, ada.accessToken)
    const foreign = await open(second, eve.accessToken)
    own.subscribe(sessionEvents)
    foreign.subscribe(sessionEvents)
    // When the subscription has begun can't be seen from outside: one of these logins is the first that it tells of.
    const opened: string[] = []
    await until(async () => {
      opened.push((await first.login(ada)).session.id)
      return own.events.length > 0
    }, 500)
    const [told] = own.events as { sessionEvents: { session: { id: string } } }[]
    const other = told?.sessionEvents.session.id ?? ''
    expect(opened).toContain(other)
    expect(told).toEqual({
      sessionEvents: { kind: 'OPENED', reason: null, session: { id: other, current: false } },
    })
    await first.send('mutation ($id: ID!) { revokeSession(id: $id) }', {
      variables: { id: other },
      token: ada.accessToken,
    })
    const ended = {
      sessionEvents: { kind: 'ENDED', reason: 'SESSION_REVOKED', session: { id: other, current: false } },
    }
    await until(async () => own.events.some(event => isDeepStrictEqual(event, ended)))
    expect(foreign.events).toEqual([])
    own.close()
    foreign.close()
  })

  it('close with 4401 and the reason when their token dies, on every node; others stay', async () => {
    const ada = await first.signUp()
    const eve = await first.signUp()
    const here = await open(first, ada.accessToken)
    const there = await open(second, ada.accessToken)
    const foreign = await open(second, eve.accessToken)
    let foreignClosed = false
    foreign.closed.then(() => {
      foreignClosed = true
    })
    await first.send('mutation { revokeSessions }', { token: ada.accessToken })
    expect(await here.closed).toMatchObject({ code: 4401, reason: 'SESSIONS_REVOKED' })
    expect(await there.closed).toMatchObject({ code: 4401, reason: 'SESSIONS_REVOKED' })
    expect(foreignClosed).toBe(false)
    foreign.close()
  })

  it('refuse a dead token in connection_init with its reason', async () => {
    const ada = await first.signUp()
    await first.send('mutation { logout }', { token: ada.accessToken })
    const socket = await open(second, ada.accessToken)
    expect(await socket.closed).toMatchObject({ code: 4401, reason: 'LOGGED_OUT' })
  })

  it('let a socket without a token see only what is public', async () => {
    const socket = await open(first)
    const failure = await socket.subscribe(sessionEvents)
    expect(failure).toMatchObject([{ extensions: { code: 'UNAUTHENTICATED', reason: 'TOKEN_MISSING' } }])
    socket.close()
  })

  it('refuse mutations, whose cookies they could not carry', async () => {
    const socket = await open(first)
    const failure = await socket.subscribe('mutation { logout }')
    expect(failure).toMatchObject([{ extensions: { code: 'BAD_REQUEST' } }])
    socket.close()
  })

  it('close when the token expires, unless a ping brought a fresh one of the same user', async () => {
    const node = await startTestServer({ config: { accessTokenSeconds: 5 } })
    const ada = await node.signUp()
    const left = await open(node, ada.accessToken)
    const renewed = await open(node, ada.accessToken)
    const closedAt = async (closed: Promise<Closed>) => {
      expect(await closed).toMatchObject({ code: 4401, reason: 'TOKEN_EXPIRED' })
      return performance.now()
    }
    const ends = Promise.all([left, renewed].map(socket => closedAt(socket.closed)))
    // Seconds of database time later, so that the fresh token lives that much longer.
    await new Promise(resolve => setTimeout(resolve, 3000))
    const fresh = await node.refresh(ada.refreshToken)
    renewed.send({ type: 'ping', payload: { accessToken: fresh.data?.refresh.accessToken } })
    const [leftAt = 0, renewedAt = 0] = await ends
    expect(renewedAt - leftAt).toBeGreaterThan(1000)
    await node.close()
  })

  it('close when a ping brings the token of somebody else', async () => {
    const ada = await first.signUp()
    const eve = await first.signUp()
    const socket = await open(first, ada.accessToken)
    socket.send({ type: 'ping', payload: { accessToken: eve.accessToken } })
    expect(await socket.closed).toMatchObject({ code: 4401, reason: 'TOKEN_INVALID' })
  })

  onlyPostgres('close before the revoking mutation returns, on the other node too', async () => {
    const ada = await first.signUp()
    const socket = await open(second, ada.accessToken)
    const answer = await first.send('mutation { logout }', { token: ada.accessToken })
    expect(answer.data).toEqual({ logout: true })
    // The close frame was sent before the answer; it needs only to be read.
    const patience = new Promise(resolve => setTimeout(resolve, 2000, 'still open').unref())
    expect(await Promise.race([socket.closed, patience])).toMatchObject({ code: 4401, reason: 'LOGGED_OUT' })
  })
})
