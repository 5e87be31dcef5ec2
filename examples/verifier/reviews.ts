import { makeExecutableSchema } from '@graphql-tools/schema'
import type { Verifier, VerifierContext } from 'annul/verify'
import { guardSchema } from 'annul/verify/graphql'
import { createYoga } from 'graphql-yoga'

const typeDefs = `
  directive @auth(roles: [String!], scopes: [[String!]!], maxAge: Int, mfa: Boolean) on FIELD_DEFINITION | OBJECT
  type Query {
    myReviews: [String!]! @auth
    allReviews: [String!]! @auth(roles: ["admin"])
  }`

const resolvers = {
  Query: {
    myReviews: (_source: unknown, _args: unknown, { auth }: VerifierContext) => [
      `A review by ${auth.viewer().userId}`,
    ],
    allReviews: () => [],
  },
}

/** A GraphQL service with `@auth`. */
export function reviews(verifier: Verifier) {
  return createYoga({
    schema: guardSchema(makeExecutableSchema<VerifierContext>({ typeDefs, resolvers })),
    context: ({ request }) => verifier.context(request),
    // Yoga would hide why a request is refused.
    maskedErrors: false,
  })
}
