import { ApolloServer } from '@apollo/server'
import { expressMiddleware } from '@as-integrations/express5'
import express from 'express'
import type { GraphQLContext } from '../../src/request/context.ts'
import { listenWith } from './contract/listenWith.ts'
import { serving } from './contract/server.ts'
import { describeContract } from './contract.ts'

const start = serving(async (auth, schema, { hidesAddress }) => {
  const apollo = new ApolloServer<GraphQLContext>({ schema, ...auth.apollo() })
  await apollo.start()
  const context = hidesAddress
    ? ({ req: { headers }, res }: { req: express.Request; res: express.Response }) =>
        auth.context({ req: { headers }, res })
    : auth.context
  const app = express()
  app.use('/graphql', express.json(), expressMiddleware(apollo, { context }))
  const { url, close } = await listenWith(app)
  return { url, close: () => Promise.all([close(), apollo.stop()]) }
})

describeContract('Apollo Server on Express', start, { hidesAddress: true })
