import { describe, expect, it } from '@jest/globals'
import express from 'express'
import { type FastifyReply, type FastifyRequest, fastify } from 'fastify'
import { createYoga } from 'graphql-yoga'
import { annulYoga } from '../../src/servers/yoga.ts'
import { createClient } from '../support/client.ts'
import { listenWith } from './contract/listenWith.ts'
import { useYogaApp } from './yogaApp.ts'

/* Yoga inside of other servers, as Yoga's own documentation builds it in. */

const app = useYogaApp()

interface Handed {
  req: FastifyRequest
  reply: FastifyReply
}

const frameworks: readonly [string, () => Promise<{ url: string; close(): Promise<unknown> }>][] = [
  [
    'Express',
    async () => {
      const yoga = createYoga({ schema: app.auth.schema(), plugins: [annulYoga(app.auth)] })
      const server = express()
      server.use('/graphql', yoga)
      return listenWith(server)
    },
  ],
  [
    'Fastify',
    async () => {
      const yoga = createYoga<Handed>({ schema: app.auth.schema(), plugins: [annulYoga(app.auth)] })
      const server = fastify()
      server.route({
        url: yoga.graphqlEndpoint,
        method: ['GET', 'POST', 'OPTIONS'],
        async handler(req, reply) {
          const response = await yoga.handleNodeRequestAndResponse(req, reply, { req, reply })
          for (const [name, value] of response.headers) reply.header(name, value)
          return reply.status(response.status).send(response.body)
        },
      })
      return { url: await server.listen({ host: '127.0.0.1', port: 0 }), close: () => server.close() }
    },
  ],
]

describe.each(frameworks)('Yoga in %s', (_name, start) => {
  it('knows the address, sets both cookies, and refuses with the status', async () => {
    const { url, close } = await start()
    try {
      const { send, signUp } = createClient(url)
      const { email, password } = await signUp()
      const login = await send<{ login: { session: { ipAddress: string } } }>(
        'mutation ($input: LoginInput!) { login(input: $input) { accessToken session { ipAddress } } }',
        { variables: { input: { email, password, cookie: true } }, headers: { origin: url } },
      )
      expect(login.data?.login.session).toEqual({ ipAddress: '127.0.0.1' })
      expect(login.headers.getSetCookie().map(cookie => cookie.split('=')[0])).toEqual([
        '__Host-annul-device',
        '__Host-annul-refresh',
        '__Host-annul-session',
      ])
      const refused = await send('{ me { id } }')
      expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="annul"'])
    } finally {
      await close()
    }
  })
})
