import { expect, it } from '@jest/globals'
import { useServer } from '../support/server.ts'
import { openSocket } from '../support/socket.ts'

const lines: string[] = []
const server = useServer({ onLogLine: line => lines.push(line) })

it('a subscription over HTTP is refused in words, and is no failure of the server', async () => {
  const { accessToken: token } = await server.signUp()
  for (const query of [
    'subscription { sessionEvents { kind } }',
    'subscription { sessionEvents @skip(if: true) { kind } }',
  ]) {
    const { status, data, errors } = await server.send(query, { token })
    expect({ status, data, errors }).toMatchObject({
      status: 400,
      data: undefined,
      errors: [
        {
          message: 'Subscriptions are answered over WebSockets only (graphql-transport-ws).',
          extensions: { code: 'BAD_REQUEST' },
        },
      ],
    })
  }
  expect(lines.filter(line => line.includes('"level":50'))).toEqual([])
})

it('a subscription whose field depends on a variable is refused, over HTTP and by a socket', async () => {
  const { accessToken: token } = await server.signUp()
  const query = 'subscription ($a: Boolean!) { sessionEvents @skip(if: $a) { kind } }'
  const { status, errors } = await server.send(query, { token, variables: { a: false } })
  expect({ status, code: errors?.[0]?.extensions.code }).toEqual({
    status: 400,
    code: 'GRAPHQL_VALIDATION_FAILED',
  })
  const socket = await openSocket(server.url, { authorization: `Bearer ${token}` })
  socket.subscribe('1', query)
  expect(await socket.heard(({ id }) => id === '1')).toMatchObject({ type: 'error' })
  socket.socket.terminate()
  expect(lines.filter(line => line.includes('"level":50'))).toEqual([])
})

it('a message that only servers send closes the socket, and is no failure of the server', async () => {
  for (const type of ['next', 'error', 'connection_ack']) {
    const { accessToken: token } = await server.signUp()
    const socket = await openSocket(server.url, { authorization: `Bearer ${token}` })
    socket.send({ id: '1', type, payload: type === 'error' ? [{ message: 'a' }] : { data: {} } })
    expect(await socket.closed).toMatchObject({ code: 4400 })
  }
  expect(lines.filter(line => line.includes('"level":50'))).toEqual([])
})
