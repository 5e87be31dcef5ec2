import { ApolloServer } from '@apollo/server'
import { startStandaloneServer } from '@apollo/server/standalone'
import type { GraphQLContext } from '../../src/request/context.ts'
import { serving } from './contract/server.ts'
import { describeContract } from './contract.ts'

const start = serving(async (auth, schema, { hidesAddress }) => {
  const apollo = new ApolloServer<GraphQLContext>({
    schema,
    ...auth.apollo(),
    stopOnTerminationSignals: false,
  })
  const { url } = await startStandaloneServer(apollo, {
    listen: { host: '127.0.0.1', port: 0 },
    context: hidesAddress
      ? ({ req: { headers }, res }) => auth.context({ req: { headers }, res })
      : auth.context,
  })
  return { url: new URL(url).origin, close: () => apollo.stop() }
})

describeContract('Apollo Server, standalone', start, { hidesAddress: true })
