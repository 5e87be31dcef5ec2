import { ApolloServer } from '@apollo/server'
import fastifyApollo, { fastifyApolloDrainPlugin } from '@as-integrations/fastify'
import { fastify } from 'fastify'
import type { GraphQLContext } from '../../src/request/context.ts'
import { serving } from './contract/server.ts'
import { describeContract } from './contract.ts'

const start = serving(async (auth, schema, { hidesAddress }) => {
  const app = fastify()
  const apollo = new ApolloServer<GraphQLContext>({
    schema,
    ...auth.apollo(),
    stopOnTerminationSignals: false,
    plugins: [...auth.apollo().plugins, fastifyApolloDrainPlugin(app)],
  })
  await apollo.start()
  await app.register(fastifyApollo(apollo), {
    context: hidesAddress
      ? ({ headers }, reply) => auth.context({ headers }, reply)
      : (request, reply) => auth.context(request, reply),
  })
  return { url: await app.listen({ host: '127.0.0.1', port: 0 }), close: () => apollo.stop() }
})

describeContract('Apollo Server on Fastify', start, { hidesAddress: true })
