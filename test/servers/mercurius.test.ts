import { fastify } from 'fastify'
import { mercurius } from 'mercurius'
import { annulMercurius } from '../../src/servers/mercurius.ts'
import { serving } from './contract/server.ts'
import { bySocket } from './contract/subscribe.ts'
import { describeContract } from './contract.ts'

const start = (options: object) =>
  serving(async (auth, schema) => {
    const app = fastify()
    await app.register(mercurius, { schema, ...annulMercurius(auth), ...options })
    return { url: await app.listen({ host: '127.0.0.1', port: 0 }), close: () => app.close() }
  })

describeContract('Mercurius', start({}), { subscribe: bySocket })
describeContract('Mercurius that compiles every document', start({ jit: 1 }), { subscribe: bySocket })
