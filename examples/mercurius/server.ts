import { createAuth, type GraphQLContext } from 'annul'
import { annulMercurius } from 'annul/mercurius'
import { fastify } from 'fastify'
import mercurius from 'mercurius'

const typeDefs = `
  extend type Query {
    greeting: String! @auth
  }`

const resolvers = {
  Query: {
    greeting: (_source: unknown, _args: unknown, { auth }: GraphQLContext) =>
      `Hello, ${auth.viewer().userId}.`,
  },
}

const auth = await createAuth()
const app = fastify()
await app.register(mercurius, { schema: auth.schema({ typeDefs, resolvers }), ...annulMercurius(auth) })
app.addHook('onClose', () => auth.close())
const url = await app.listen({ port: Number(process.env.PORT ?? 4000) })
console.log(`Ready at ${url}/graphql`)
