import { beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import type { SchemaExtension } from '../../src/graphql/schema.ts'
import { must } from '../support/answers.ts'
import { onPostgres } from '../support/database.ts'
import { openAdmin } from '../support/devices.ts'
import {
  day,
  type FormerForge,
  importUser,
  openFormerForge,
  openFormerSystem,
} from '../support/formerSystem.ts'
import { type TestServer, useSecondNode, useServer } from '../support/server.ts'
import { openRaw, openSocket } from '../support/socket.ts'
import { until } from '../support/until.ts'

/* Sockets and subscriptions of viewers with a token of a former system. */

/** One event a tick. */
let tick = () => {}
const extension: SchemaExtension = {
  typeDefs: 'extend type Subscription { ticks: Int! @auth }',
  resolvers: {
    Subscription: {
      ticks: {
        async *subscribe() {
          for (let ticks = 1; ; ticks++) {
            await new Promise<void>(resolve => {
              tick = resolve
            })
            yield { ticks }
          }
        },
      },
    },
  },
}

const system = openFormerSystem('ES256', { until: new Date(Date.now() + 90 * day * 1000) })
const first = useServer({ extension })
const second = useSecondNode(first)
let forge: FormerForge
beforeAll(() => {
  first.auth.accept(system.options)
  if (onPostgres) second.auth.accept(system.options)
})

const open = (node: TestServer, accessToken: string) => openSocket(node.url, { accessToken })

const newForge = async () => {
  forge = openFormerForge(first, system, await importUser(first))
  return forge
}

describe('a socket with a token of a former system', () => {
  it('gets the events of an app, each decided anew on the primary', async () => {
    const { make, userId } = await newForge()
    const socket = await open(first, make())
    socket.subscribe('1', 'subscription { ticks }')
    const next = (ticks: number) =>
      socket.heard(
        ({ type, payload }) => type === 'next' && JSON.stringify(payload) === `{"data":{"ticks":${ticks}}}`,
      )
    await ticking(() => next(1))
    // By hand, so that nothing but the next event can find it.
    await first.rows(sql`update annul.users set status = 'BLOCKED' where id = ${userId}`)
    await ticking(() => socket.heard(message => JSON.stringify(message).includes('USER_BLOCKED')))
    await socket.flushed()
    const told = socket.messages.filter(({ id }) => id === '1')
    expect(told.at(-1)).not.toMatchObject({ payload: { data: { ticks: expect.any(Number) } } })
    expect(JSON.stringify(told).match(/USER_BLOCKED/g)).toHaveLength(1)
    socket.socket.close()
  })

  it.each([
    ['blockUser', (id: string) => `blockUser(id: "${id}") { id }`, 'USER_BLOCKED'],
    ['revokeEverything', () => 'revokeEverything', 'EVERYTHING_REVOKED'],
  ])('closes on every node when %s has returned', async (_, field, reason) => {
    const { make, userId } = await newForge()
    const sockets = await Promise.all([open(first, make()), open(second, make())])
    const admin = await openAdmin(second)
    must(await second.send(`mutation { ${field(userId)} }`, { token: admin.accessToken }))
    for (const { closed } of sockets) expect(await closed).toEqual({ code: 4401, reason })
    const late = await openRaw(first.url)
    late.send({ type: 'connection_init', payload: { accessToken: make() } })
    expect(await late.closed).toEqual({ code: 4401, reason })
  })

  it('is not told that its token has expired weeks before its end', async () => {
    const { make } = await newForge()
    const socket = await open(first, make({ claims: { exp: first.auth.parts.clock.now() + 60 * day } }))
    await new Promise(resolve => setTimeout(resolve, 100))
    await socket.flushed()
    expect(socket.socket.readyState).toBe(socket.socket.OPEN)
    socket.socket.close()
  })

  it('closes at the end of its token', async () => {
    const { make } = await newForge()
    const socket = await open(first, make({ claims: { exp: first.auth.parts.clock.now() + 1 } }))
    expect(await socket.closed).toEqual({ code: 4401, reason: 'TOKEN_EXPIRED' })
  })

  it('is told to sign in by sessionEvents', async () => {
    const { make } = await newForge()
    const socket = await open(first, make())
    socket.subscribe('1', 'subscription { sessionEvents { kind } }')
    const { payload } = await socket.heard(({ id }) => id === '1')
    expect(JSON.stringify(payload)).toContain('REAUTHENTICATION_REQUIRED')
    socket.socket.close()
  })

  it('is told no session event after it took the place of a session’s token', async () => {
    const user = await first.signUp()
    const socket = await open(first, user.accessToken)
    socket.subscribe('1', 'subscription { sessionEvents { kind } }')
    socket.send({
      type: 'ping',
      payload: { accessToken: openFormerForge(first, system, user.userId).make() },
    } as never)
    // It is answered when the token was taken over.
    await socket.heard(({ type }) => type === 'pong')
    await until(async () => {
      await first.login(user)
      return socket.messages.some(({ id }) => id === '1')
    })
    const told = JSON.stringify(socket.messages.filter(({ id }) => id === '1'))
    expect(told).toContain('REAUTHENTICATION_REQUIRED')
    expect(told).not.toContain('OPENED')
    socket.socket.close()
  })
})

/** Ticks again and again, because a tick before the subscription has begun is lost, until what is awaited has come. */
async function ticking(awaited: () => Promise<unknown>): Promise<void> {
  const timer = setInterval(() => tick(), 50)
  try {
    await awaited()
  } finally {
    clearInterval(timer)
  }
}
