import { describe, expect, it } from '@jest/globals'
import { GraphQLObjectType, GraphQLSchema, GraphQLString } from 'graphql'
import { listGuards } from '../../src/graphql/listGuards.ts'
import { SchemaError } from '../../src/graphql/requirements.ts'
import { buildSchema } from '../../src/graphql/schema.ts'

describe('the list of guards', () => {
  it('has every field of every object type, sorted, and nothing of introspection', () => {
    const typeDefs = `
      interface Named { name: String }
      type Book implements Named @auth(roles: ["reader"]) { name: String price: Int @auth(maxAge: 60, mfa: true) }
      input In { a: ID }
      extend type Query { books: [Book!] open: String named: Named }
    `
    const listed = listGuards(buildSchema({ typeDefs }))
    const guards = Object.fromEntries(listed.map(({ field, guard }) => [field, guard]))
    const reader = { roles: ['reader'] }
    expect(guards).toMatchObject({
      'Book.name': [reader],
      'Book.price': [reader, { maxAge: 60, mfa: true }],
      'Query.books': [reader],
      'Query.named': [reader],
      'Query.open': [],
      'Query.me': [{}],
      'Mutation.login': [],
      'Mutation.revokeEverything': [{ roles: ['admin'], maxAge: 300 }],
      'Mutation.resetFactors': [{ roles: ['admin'], maxAge: 300, mfa: true }],
      'Subscription.sessionEvents': [{}],
    })
    const names = listed.map(({ field }) => field)
    expect(names).toEqual(names.toSorted())
    expect(names.filter(name => /^(__|Named|In\b|LoginInput)/.test(name))).toEqual([])
  })

  it('leaves no mutation of Annul’s own without a guard but those that open or end a session (ASVS 5.0 6.1.3 and 6.3.4)', () => {
    const open = listGuards(buildSchema()).filter(
      ({ field, guard }) => /^(Query|Mutation|Subscription)\./.test(field) && guard.length === 0,
    )
    expect(open.map(({ field }) => field)).toEqual([
      'Mutation.beginPasskey',
      'Mutation.beginPasskeyLogin',
      'Mutation.completeLogin',
      'Mutation.login',
      'Mutation.logout',
      'Mutation.passkeyLogin',
      'Mutation.refresh',
      'Mutation.register',
      'Mutation.requestPasswordReset',
      'Mutation.resetPassword',
      'Mutation.restoreEmail',
      'Mutation.verifyEmail',
    ])
  })

  it('reads a schema that is built in code, guarded or not', () => {
    const query = new GraphQLObjectType({
      name: 'Query',
      fields: { a: { type: GraphQLString, extensions: { auth: true } }, b: { type: GraphQLString } },
    })
    expect(listGuards(new GraphQLSchema({ query }))).toEqual([
      { field: 'Query.a', guard: [{}] },
      { field: 'Query.b', guard: [] },
    ])
  })

  it('refuses a schema whose guards could not be enforced', () => {
    const query = new GraphQLObjectType({
      name: 'Query',
      fields: { a: { type: GraphQLString, extensions: { auth: { roles: 'x' } } } },
    })
    expect(() => listGuards(new GraphQLSchema({ query }))).toThrow(SchemaError)
  })
})
