import { createAuth } from 'annul'
import { annulFastify } from 'annul/fastify'
import { fastify } from 'fastify'

const typeDefs = `
  extend type Query {
    payouts: [Int!]! @auth(roles: ["admin"])
    visits: Int! @auth
  }`

let visits = 0
const resolvers = {
  Query: {
    payouts: () => [100, 250],
    visits: () => ++visits,
  },
}

const auth = await createAuth()
const app = fastify()
app.get('/hello', async () => ({ hello: 'world' }))
await app.register(annulFastify, { auth, schema: auth.schema({ typeDefs, resolvers }) })
app.addHook('onClose', () => auth.close())
const url = await app.listen({ port: Number(process.env.PORT ?? 4000) })
console.log(`Ready at ${url}/graphql`)
