import { ApolloServer } from '@apollo/server'
import { startStandaloneServer } from '@apollo/server/standalone'
import { createAuth, type GraphQLContext } from 'annul'

/** Annul as a subgraph. `ANNUL_FEDERATION=on npx annul serve` is one, too. */
export async function startAnnul(): Promise<string> {
  const auth = await createAuth()
  const schema = auth.schema({ federation: true })
  const apollo = new ApolloServer<GraphQLContext>({ schema, ...auth.apollo() })
  return (await startStandaloneServer(apollo, { context: auth.context, listen: { port: 0 } })).url
}
