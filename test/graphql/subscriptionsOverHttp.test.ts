import { expect, it } from '@jest/globals'
import { useServer } from '../support/server.ts'

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
