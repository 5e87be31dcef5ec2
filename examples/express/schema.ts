import type { GraphQLContext } from 'annul'
import { users } from 'annul/tables'
import { count, eq } from 'drizzle-orm'
import type { PostgresJsDatabase } from 'drizzle-orm/postgres-js'
import { notes, profiles } from './tables.js'

export const typeDefs = `
  type Note @auth {
    id: ID!
    text: String!
  }
  type Owner @auth(roles: ["admin"]) {
    email: String
    notes: Int!
  }
  extend type Query {
    myName: String @auth
    myNotes: [Note!]!
    owners: [Owner!]!
  }
  extend type Mutation {
    addNote(text: String!): Note!
  }`

export function makeResolvers(db: PostgresJsDatabase) {
  return {
    Query: {
      async myName(_source: unknown, _args: unknown, { auth }: GraphQLContext) {
        const found = await db.select().from(profiles).where(eq(profiles.userId, auth.viewer().userId))
        return found[0]?.name
      },
      myNotes: (_source: unknown, _args: unknown, { auth }: GraphQLContext) =>
        db.select().from(notes).where(eq(notes.ownerId, auth.viewer().userId)),
      owners: () =>
        db
          .select({ email: users.email, notes: count(notes.id) })
          .from(users)
          .innerJoin(notes, eq(notes.ownerId, users.id))
          .groupBy(users.id, users.email),
    },
    Mutation: {
      addNote: (_source: unknown, { text }: { text: string }, { auth }: GraphQLContext) =>
        db.transaction(async tx => {
          // When a mutation has returned that ends this user's token, this transaction commits no more.
          const { userId } = await auth.fence(tx)
          const [note] = await tx.insert(notes).values({ ownerId: userId, text }).returning()
          return note
        }),
    },
  }
}
