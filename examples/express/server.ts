import { ApolloServer } from '@apollo/server'
import { expressMiddleware } from '@as-integrations/express5'
import { createAuth, type GraphQLContext } from 'annul'
import { drizzleOf } from 'annul/drizzle'
import { drizzle } from 'drizzle-orm/postgres-js'
import express from 'express'
import postgres from 'postgres'
import { makeResolvers, typeDefs } from './schema.js'
import { createTables, profiles } from './tables.js'

const auth = await createAuth({
  hooks: {
    // In Annul's transaction: a user and the user's profile come and go together.
    registered: async (tx, user) => {
      await drizzleOf(tx).insert(profiles).values({ userId: user.id, name: 'New here' })
    },
    deleted: async (tx, user) => {
      await tx.query('delete from notes where owner_id = $1', [user.id])
      await tx.query('delete from profiles where user_id = $1', [user.id])
    },
  },
})

const db = drizzle(postgres(process.env.DATABASE_URL ?? '', { onnotice: () => {} }))
for (const statement of createTables) await db.execute(statement)

const schema = auth.schema({ typeDefs, resolvers: makeResolvers(db) })
const apollo = new ApolloServer<GraphQLContext>({ schema, ...auth.apollo() })
await apollo.start()

const app = express()
app.get('/hello', (_request, response) => {
  response.json({ hello: 'world' })
})
app.use('/graphql', express.json(), expressMiddleware(apollo, { context: auth.context }))
const server = app.listen(Number(process.env.PORT ?? 4000), () => {
  const address = server.address()
  if (typeof address === 'object') console.log(`Ready at http://localhost:${address?.port}/graphql`)
})
