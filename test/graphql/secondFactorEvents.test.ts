import { beforeAll, describe, expect, it } from '@jest/globals'
import { openForge } from '../support/forge.ts'
import { useGuardedApp } from '../support/guardedApp.ts'
import { openSocket, type RawSocket } from '../support/socket.ts'
import { until } from '../support/until.ts'

/* Events of subscriptions that want a second factor, over a socket whose token is replaced meanwhile. */

/** What hears of each event, and ends as soon as nobody listens. */
const listeners = new Set<(event: number) => void>()
function ticks(): AsyncIterableIterator<number> {
  let tell: ((result: IteratorResult<number>) => void) | undefined
  const hear = (value: number) => tell?.({ done: false, value })
  listeners.add(hear)
  return {
    next: () =>
      new Promise(resolve => {
        tell = resolve
      }),
    async return() {
      listeners.delete(hear)
      return { done: true, value: undefined }
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}
function emit(event: number): void {
  for (const hear of listeners) hear(event)
}

const fields = ['strong', 'typed', 'withheld']
const app = useGuardedApp({
  typeDefs: `
    type Deed @auth(mfa: true) { tick: Int }
    extend type Subscription {
      strong: Int @auth(mfa: true)
      typed: Deed
      withheld: Int @auth(roles: ["editor"])
    }`,
  resolvers: {
    Subscription: Object.fromEntries(
      fields.map(name => [
        name,
        { subscribe: ticks, resolve: (tick: number) => (name === 'typed' ? { tick } : tick) },
      ]),
    ),
  },
})
let withFactor: string
let withPassword: string
beforeAll(async () => {
  const forge = openForge(app, await app.tokenWith(['editor']))
  withFactor = forge.make({ claims: { amr: ['pwd', 'otp', 'mfa'] } })
  withPassword = forge.make({ claims: { amr: ['pwd'], roles: [], mfa_roles: ['editor'] } })
})

/** A refusal before the first event is a result of its own. A later one ends the subscription. */
const errorsOf = ({ messages }: RawSocket) =>
  messages.flatMap(({ id, payload }) =>
    [Array.isArray(payload) ? payload : (Object(payload).errors ?? [])]
      .flat()
      .map(({ extensions }) => ({ id, ...extensions })),
  )
const eventsOf = ({ messages }: RawSocket) =>
  messages.flatMap(({ id, type, payload }) => {
    const { data } = Object(payload)
    return type === 'next' && data ? [{ id, ...data }] : []
  })
const refused = (id: string) => ({
  id,
  code: 'REAUTHENTICATION_REQUIRED',
  mfa: true,
  recover: 'REAUTHENTICATE',
})
/** The socket's further events are decided with this token. */
async function replaceToken(socket: RawSocket, accessToken: string): Promise<void> {
  const pongs = () => socket.messages.filter(({ type }) => type === 'pong').length
  const before = pongs()
  socket.send({ type: 'ping', payload: { accessToken } })
  await until(() => pongs() === before + 1)
}

describe.each([
  ['a field', 'strong', 'strong', { strong: 1 }],
  ['a type', 'typed', 'typed { tick }', { typed: { tick: 1 } }],
  ['a role that a token carries only with it', 'withheld', 'withheld', { withheld: 1 }],
])('A subscription that wants a second factor for %s', (_, _name, selection, event) => {
  it('does not begin without one', async () => {
    const socket = await openSocket(app.url, { accessToken: withPassword })
    socket.subscribe('1', `subscription { ${selection} }`)
    await until(() => errorsOf(socket).length > 0)
    expect([errorsOf(socket), listeners.size]).toEqual([[refused('1')], 0])
    socket.socket.terminate()
  })

  it('ends, once, with the event before which the token was replaced by one without', async () => {
    const socket = await openSocket(app.url, { accessToken: withFactor })
    socket.subscribe('1', `subscription { ${selection} }`)
    await until(() => {
      emit(1)
      return eventsOf(socket).length > 0
    })
    await socket.flushed()
    const before = eventsOf(socket)
    expect(new Set(before.map(heard => JSON.stringify(heard)))).toEqual(
      new Set([JSON.stringify({ id: '1', ...event })]),
    )

    await replaceToken(socket, withPassword)
    emit(1)
    await until(() => errorsOf(socket).length > 0)
    expect([errorsOf(socket), listeners.size]).toEqual([[refused('1')], 0])

    // The factor comes back. What has ended stays ended, and the client subscribes anew.
    await replaceToken(socket, withFactor)
    socket.subscribe('2', `subscription { ${selection} }`)
    await until(() => {
      emit(1)
      return eventsOf(socket).length > before.length
    })
    expect(eventsOf(socket).slice(before.length)[0]).toEqual({ id: '2', ...event })
    expect(errorsOf(socket)).toEqual([refused('1')])
    socket.socket.terminate()
    await until(() => listeners.size === 0)
  })
})
