import { createServer } from 'node:http'
import SchemaBuilder from '@pothos/core'
import { createAuth, type GraphQLContext } from 'annul'
import { annulYoga } from 'annul/yoga'
import { createYoga } from 'graphql-yoga'

const builder = new SchemaBuilder<{ Context: GraphQLContext }>({})

builder.queryType({
  fields: t => ({
    time: t.string({ resolve: () => new Date().toISOString() }),
    // The same as @auth(roles: ["admin"]) in SDL.
    secret: t.string({
      extensions: { auth: { roles: ['admin'] } },
      resolve: () => 'Only admins read this.',
    }),
    myId: t.string({
      extensions: { auth: {} },
      resolve: (_source, _args, { auth }) => auth.viewer().userId,
    }),
  }),
})

const auth = await createAuth()
const schema = auth.schema({ schemas: [builder.toSchema()] })
const yoga = createYoga({ schema, plugins: [annulYoga(auth)] })
const server = createServer(yoga)
server.listen(Number(process.env.PORT ?? 4000), () => {
  const address = server.address()
  if (typeof address === 'object') console.log(`Ready at http://localhost:${address?.port}/graphql`)
})
