import { ApolloServer } from '@apollo/server'
import { addResolversToSchema, makeExecutableSchema, mergeSchemas } from '@graphql-tools/schema'
import { describe, expect, it } from '@jest/globals'
import type { GraphQLSchema } from 'graphql'
import type { GraphQLContext } from '../../src/request/context.ts'
import { useGuardedApp } from '../support/guardedApp.ts'

/* Tools that merge schemas or replace resolvers keep the mark of a guarded schema, and leave out guards. */

const app = useGuardedApp({})

async function ask(schema: GraphQLSchema, query: string) {
  const { auth } = app
  const apollo = new ApolloServer<GraphQLContext>({
    schema,
    ...auth.apollo(),
    stopOnTerminationSignals: false,
  })
  const contextValue = auth.context({ headers: {} }, { appendHeader() {} })
  const { body } = await apollo.executeOperation({ query }, { contextValue })
  await apollo.stop()
  return body.kind === 'single' ? body.singleResult : undefined
}

const refused = [{ extensions: { code: 'UNAUTHENTICATED', reason: 'TOKEN_MISSING' } }]

describe('a server guards what a tool has put into a guarded schema without a guard:', () => {
  it('the fields of a schema that was merged into it', async () => {
    const mine = makeExecutableSchema({
      typeDefs: `directive @auth(roles: [String!], scopes: [[String!]!], maxAge: Int, mfa: Boolean) on OBJECT | FIELD_DEFINITION
        type Query { secret: Int @auth(roles: ["admin"]) open: Int }`,
      resolvers: { Query: { secret: () => 7, open: () => 1 } },
    })
    const schema = mergeSchemas({ schemas: [app.auth.schema(), mine] })
    expect(await ask(schema, '{ open secret }')).toMatchObject({
      data: { open: 1, secret: null },
      errors: refused,
    })
  })

  it('resolvers that stand in the place of guards', async () => {
    const resolvers = { Query: { me: () => ({ id: '00000000-0000-4000-8000-000000000000' }) } }
    const schema = addResolversToSchema({ schema: app.auth.schema(), resolvers })
    expect(await ask(schema, '{ me { id } }')).toMatchObject({ errors: refused })
  })
})
