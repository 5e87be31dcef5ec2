import { fastify } from 'fastify'
import { annulFastify } from '../../src/servers/fastify.ts'
import { serving } from './contract/server.ts'
import { bySocket } from './contract/subscribe.ts'
import { describeContract } from './contract.ts'

const start = serving(async (auth, schema) => {
  const app = fastify()
  await app.register(annulFastify, { auth, schema })
  return { url: await app.listen({ host: '127.0.0.1', port: 0 }), close: () => app.close() }
})

describeContract('annulFastify', start, { subscribe: bySocket })
