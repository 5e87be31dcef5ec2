import { makeExecutableSchema } from '@graphql-tools/schema'
import { expect, it } from '@jest/globals'
import { createYoga } from 'graphql-yoga'
import { guardSchema } from '../../src/verify/graphql.ts'
import type { VerifierContext } from '../../src/verify/index.ts'
import { listenWith } from '../servers/contract/listenWith.ts'
import { createClient } from '../support/client.ts'
import { useServer } from '../support/server.ts'
import { useFixture } from '../support/useFixture.ts'
import { useVerifier } from '../support/verifier.ts'

/* What a client reads of a refusal by `@auth` in a service's own GraphQL server, which knows nothing of Annul's errors. */

const node = useServer()
const verifier = useVerifier(() => [node])
const service = useFixture(async () => {
  const typeDefs = `
    directive @auth(roles: [String!], scopes: [[String!]!], maxAge: Int, mfa: Boolean) on FIELD_DEFINITION | OBJECT
    type Query { mine: String @auth revenue: Int @auth(roles: ["admin"]) said: String }`
  const resolvers = {
    Query: {
      mine: () => 'mine',
      revenue: () => 42,
      said: async (_source: unknown, _args: unknown, { auth }: VerifierContext) =>
        (await auth.viewerOrNull())?.userId ?? auth.viewer().userId,
    },
  }
  const schema = guardSchema(makeExecutableSchema<VerifierContext>({ typeDefs, resolvers }))
  const context = ({ request }: { request: Request }) => verifier.context(request)
  return listenWith(createYoga({ schema, context, maskedErrors: false, logging: false }))
})

it('a refusal has the code, the reason and the way out, as an auth node’s has', async () => {
  const { send } = createClient(new URL(service.url).origin)
  const missing = { code: 'UNAUTHENTICATED', reason: 'TOKEN_MISSING', recover: 'LOGIN' }
  for (const field of ['mine', 'said'])
    expect((await send(`{ ${field} }`)).errors).toMatchObject([{ path: [field], extensions: missing }])
  const { accessToken: token } = await node.signUp()
  expect((await send('{ mine }', { token })).data).toEqual({ mine: 'mine' })
  expect((await send('{ revenue }', { token })).errors).toMatchObject([
    { path: ['revenue'], extensions: { code: 'FORBIDDEN', required: { roles: ['admin'] } } },
  ])
  await node.send('mutation { logout }', { token })
  expect((await send('{ mine }', { token })).errors).toMatchObject([
    { extensions: { code: 'UNAUTHENTICATED', reason: 'LOGGED_OUT', recover: 'LOGIN' } },
  ])
})
