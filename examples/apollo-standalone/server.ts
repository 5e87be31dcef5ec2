import { ApolloServer } from '@apollo/server'
import { startStandaloneServer } from '@apollo/server/standalone'
import { createAuth, type GraphQLContext } from 'annul'

const typeDefs = `
  extend type Query {
    hello: String!
    secret: String! @auth
  }`

const resolvers = {
  Query: {
    hello: () => 'Hello, everybody.',
    secret: (_source: unknown, _args: unknown, { auth }: GraphQLContext) => `Hello, ${auth.viewer().userId}.`,
  },
}

const auth = await createAuth() // options, or else the environment
const schema = auth.schema({ typeDefs, resolvers })
const apollo = new ApolloServer<GraphQLContext>({ schema, ...auth.apollo() })
const listen = { port: Number(process.env.PORT ?? 4000) }
const { url } = await startStandaloneServer(apollo, { context: auth.context, listen })
console.log(`Ready at ${url}`)
