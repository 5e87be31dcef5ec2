import { makeExecutableSchema } from '@graphql-tools/schema'
import { expect, it } from '@jest/globals'
import { GraphQLError } from 'graphql'
import { createYoga, maskError } from 'graphql-yoga'
import { guardSchema } from '../../src/verify/graphql.ts'
import { AuthError } from '../../src/verify/index.ts'
import { useServer } from '../support/server.ts'
import { useVerifier } from '../support/verifier.ts'

const server = useServer()
const verifier = useVerifier(() => [server])

it('A subgraph on Yoga tells clients code and reason of a refusal, and nothing of its own failures', async () => {
  const schema = guardSchema(
    makeExecutableSchema({
      typeDefs: `
        directive @auth(roles: [String!], scopes: [[String!]!], maxAge: Int) on FIELD_DEFINITION | OBJECT
        type Query { mine: String! @auth, broken: String }`,
      resolvers: {
        Query: {
          mine: () => 'mine',
          broken: () => {
            throw new Error('hunter2')
          },
        },
      },
    }),
  )
  // As docs/verifier.md shows it.
  const yoga = createYoga({
    schema,
    logging: false,
    context: ({ request }) => verifier.context(request),
    maskedErrors: {
      maskError: (error, message) =>
        error instanceof GraphQLError && error.originalError instanceof AuthError
          ? error
          : maskError(error, message, false),
    },
  })
  const ask = async (query: string, token?: string) => {
    const response = await yoga.fetch('http://orders.example.com/graphql', {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify({ query }),
    })
    return response.json() as Promise<{ data: unknown; errors?: { extensions: unknown; message: string }[] }>
  }
  const { accessToken } = await server.signUp()
  expect(await ask('{ mine }', accessToken)).toEqual({ data: { mine: 'mine' } })
  await server.send('mutation { logout }', { token: accessToken })
  expect((await ask('{ mine }', accessToken)).errors).toMatchObject([
    {
      message: 'This session was logged out.',
      extensions: { code: 'UNAUTHENTICATED', reason: 'LOGGED_OUT', recover: 'LOGIN' },
    },
  ])
  expect((await ask('{ broken }')).errors).toMatchObject([{ message: 'Unexpected error.' }])
})
