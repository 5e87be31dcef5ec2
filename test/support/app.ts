import type { SchemaExtension } from '../../src/graphql/schema.ts'

/** An app's fields beside Annul's: one for everybody, and one behind `@auth` that may be null. */
export const app: SchemaExtension = {
  typeDefs: /* GraphQL */ `
    extend type Query {
      "For everybody."
      news: String!
      "For signed-in users."
      notes: String @auth
    }
  `,
  resolvers: { Query: { news: () => 'It rains.', notes: () => 'Buy an umbrella.' } },
}
