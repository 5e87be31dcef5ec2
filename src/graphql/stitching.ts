import type { IResolvers } from '@graphql-tools/utils'
import { type DocumentNode, parse } from 'graphql'
import type { GraphQLContext } from '../request/context.ts'
import { readUser } from './readForViewer.ts'

/*
 * For a gateway that stitches schemas: `_users`, by which it merges the User of several services on `User.id`. Apart from
 * the contract, because other clients have no use for it.
 */

/** SDL. `Query._users` is guarded like `Query.user`, for each id by itself. */
export const stitchingContract: DocumentNode = parse(`
  extend type Query {
    """
    For a gateway that merges User on its id: the users of these ids, in their order, read by one query. Oneself, or to an
    admin anybody. An id of somebody else gives null, and FORBIDDEN at its index.
    """
    _users("The users' ids." ids: [ID!]!): [User]! @auth
  }`)

export const stitchingResolvers: IResolvers<unknown, GraphQLContext> = {
  Query: {
    // Each item is a promise of its own: a refusal is an error at that index, and not for the list.
    _users: (_, { ids }: { readonly ids: readonly string[] }, { auth }) => {
      const viewer = auth.viewer()
      return ids.map(id => readUser(auth, viewer, id, 'ids'))
    },
  },
}
