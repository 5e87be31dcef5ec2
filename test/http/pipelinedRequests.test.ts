import { connect } from 'node:net'
import { describe, expect, it } from '@jest/globals'
import { useServer } from '../support/server.ts'
import { until } from '../support/until.ts'

let waiting = 0
let release = () => {}
const gate = new Promise<void>(resolve => {
  release = resolve
})
const server = useServer({
  config: { maxInFlight: 4 },
  extension: {
    typeDefs: 'extend type Query { slow: Int }',
    resolvers: {
      Query: {
        slow: async () => {
          waiting++
          await gate
          return 1
        },
      },
    },
  },
})

const inFlight = async () => {
  const text = await (await fetch(`${server.url}/metrics`)).text()
  return Number(/^annul_requests_in_flight (\d+)$/m.exec(text)?.[1])
}

describe('The places of requests that one connection sends at once', () => {
  it('are all given back when the client goes away before the first is answered', async () => {
    const body = JSON.stringify({ query: '{ slow }' })
    const request = `POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
    socket.write(request.repeat(4))
    await until(() => waiting === 4)
    expect(await inFlight()).toBe(4)
    socket.destroy()
    await until(async () => (await inFlight()) === 0)
    release()
    expect((await server.send('{ __typename }')).status).toBe(200)
    expect(await inFlight()).toBe(0)
  })
})
