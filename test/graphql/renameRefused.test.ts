import { describe, expect, it } from '@jest/globals'
import { SchemaError } from '../../src/graphql/requirements.ts'
import { buildSchema, type SchemaExtension } from '../../src/graphql/schema.ts'

/* Renamings that can't be, and schemas that need one. */

const typeError = (rename: unknown) => () => buildSchema({}, { rename: rename as never })

describe('a renaming is refused, with the option and the nearest name,', () => {
  it.each<[string, unknown, string]>([
    ['no object', 'User', 'rename must be an object of names, not string.'],
    ['a list', [], 'rename must be an object of names, not a list.'],
    ['an unknown option', { type: {} }, 'rename.type is no option. The nearest name is rename.types.'],
    ['types that are no object', { types: ['User'] }, 'rename.types must be an object of names, not a list.'],
    [
      'an unknown type',
      { types: { Usr: 'Account' } },
      'rename.types: Annul has no type "Usr". The nearest name is "User".',
    ],
    [
      'a root type',
      { types: { Query: 'Root' } },
      'rename.types: the type "Query" keeps its name, because an app\'s fields go there too.',
    ],
    ['a name that is no text', { types: { User: 5 } }, 'rename.types["User"] must be a text, not number.'],
    [
      'a name that GraphQL does not take',
      { types: { User: 'my-user' } },
      'rename.types["User"]: "my-user" is no name in GraphQL: letters, digits and _, without a digit or __ in front.',
    ],
    [
      "a name of GraphQL's introspection",
      { fields: { 'Query.me': '__me' } },
      'rename.fields["Query.me"]: "__me" is no name in GraphQL: letters, digits and _, without a digit or __ in front.',
    ],
    [
      'a name that another type has',
      { types: { User: 'Session' } },
      'rename.types["User"]: Annul has a type "Session" already.',
    ],
    [
      "a name of GraphQL's own",
      { types: { User: 'String' } },
      'rename.types["User"]: GraphQL itself has a type "String" already.',
    ],
    [
      'one name for two types',
      { types: { User: 'Thing', Session: 'Thing' } },
      'rename.types["Session"]: rename.types["User"] has a type "Thing" already.',
    ],
    [
      'an unknown field',
      { fields: { 'Query.mee': 'viewer' } },
      'rename.fields: Annul has no field "Query.mee". The nearest name is "Query.me".',
    ],
    [
      'a field without its type',
      { fields: { sessions: 'devices' } },
      'rename.fields: Annul has no field "sessions". The nearest name is "User.sessions".',
    ],
    [
      "an input's field",
      { fields: { 'LoginInput.email': 'mail' } },
      'rename.fields: Annul has no field "LoginInput.email". The nearest name is "User.email".',
    ],
    [
      'a field that clients read',
      { fields: { 'Tokens.accessToken': 'token' } },
      'rename.fields: "Tokens.accessToken" keeps its name, because clients read it.',
    ],
    [
      'a name that another field has',
      { fields: { 'Query.me': 'sessions' } },
      'rename.fields["Query.me"]: Annul has a field "Query.sessions" already.',
    ],
    [
      'one name for two fields',
      { fields: { 'Query.me': 'mine', 'Query.sessions': 'mine' } },
      'rename.fields["Query.sessions"]: rename.fields["Query.me"] has a field "Query.mine" already.',
    ],
    [
      "a directive of GraphQL's own",
      { directive: 'skip' },
      'rename.directive: "@skip" is a directive of GraphQL\'s own.',
    ],
    [
      'a directive with an @',
      { directive: '@requires' },
      'rename.directive: "@requires" is no name in GraphQL: letters, digits and _, without a digit or __ in front.',
    ],
    ['no directive', { directive: null }, 'rename.directive must be a text, not object.'],
  ])('for %s', (_, rename, message) => {
    expect(typeError(rename)).toThrow(TypeError)
    expect(typeError(rename)).toThrow(new TypeError(message))
  })
})

const ours = (names: string, rest: string) =>
  new SchemaError(
    `${names} Annul's own, and can't be declared once more. Leave the declaration out to use Annul's. ` +
      `To have both, give Annul's another name, by an option of createAuth: rename: ${rest}`,
  )

describe("an app's schema with a name of Annul's is refused, with the renaming to write,", () => {
  it.each<[string, string, SchemaError]>([
    ['a type', 'type User { name: String }', ours('User: this name is', "{ types: { User: 'AuthUser' } }")],
    [
      'a scalar',
      'scalar DateTime',
      ours('DateTime: this name is', "{ types: { DateTime: 'AuthDateTime' } }"),
    ],
    [
      'another kind of type',
      'enum Session { A }',
      ours('Session: this name is', "{ types: { Session: 'AuthSession' } }"),
    ],
    [
      'a field',
      'extend type Query { me: String }',
      ours('Query.me: this name is', "{ fields: { 'Query.me': 'authMe' } }"),
    ],
    [
      'a field of a root type that is declared once more',
      'type Mutation { login: String }',
      ours('Mutation.login: this name is', "{ fields: { 'Mutation.login': 'authLogin' } }"),
    ],
    [
      'a directive that takes something else',
      'directive @auth(requires: String) on FIELD_DEFINITION',
      ours('@auth: this name is', "{ directive: 'requires' }"),
    ],
    [
      'all of them at once',
      `directive @auth(requires: String) on FIELD_DEFINITION
       type User { id: ID! } type PageInfo { hasNextPage: Boolean! } extend type Query { me: User users: [User] }`,
      ours(
        '@auth, User, PageInfo, Query.users, Query.me: these names are',
        "{ types: { User: 'AuthUser', PageInfo: 'AuthPageInfo' }, directive: 'requires', " +
          "fields: { 'Query.users': 'authUsers', 'Query.me': 'authMe' } }",
      ),
    ],
  ])('for %s', (_, typeDefs, error) => {
    expect(() => buildSchema({ typeDefs })).toThrow(error)
  })

  it('in Annul’s own names, where some are renamed already', () => {
    const rename = { types: { User: 'Account' }, fields: { 'Query.me': 'viewer' } }
    const typeDefs = `type Account { id: ID } extend type Query { viewer: ID }`
    expect(() => buildSchema({ typeDefs }, { rename })).toThrow(
      ours(
        'Account, Query.viewer: these names are',
        "{ types: { User: 'AuthAccount' }, fields: { 'Query.me': 'authViewer' } }",
      ),
    )
  })

  it('and is built as soon as that renaming is written', () => {
    const typeDefs = 'type User { id: ID! } extend type Query { me: User }'
    const rename = { types: { User: 'AuthUser' }, fields: { 'Query.me': 'authMe' } }
    const fields = buildSchema({ typeDefs }, { rename }).getQueryType()?.getFields()
    expect([String(fields?.me?.type), String(fields?.authMe?.type)]).toEqual(['User', 'AuthUser!'])
  })

  it.each([
    ['new fields of Annul’s types', 'extend type User { nick: String } extend type Query { news: String }'],
    ['a root type of its own, with new fields', 'type Query { news: String }'],
    [
      'Annul’s own directive, for an editor',
      'directive @auth(roles: [String!]) on OBJECT | FIELD_DEFINITION',
    ],
  ])('but not for %s', (_, typeDefs) => {
    expect(() => buildSchema({ typeDefs })).not.toThrow()
  })
})

describe("an app's resolver in the place of one of Annul's", () => {
  it.each<[string, SchemaExtension['resolvers'], string]>([
    ['a guarded field', { Query: { me: () => null } }, 'Query.me'],
    ['a field that checks its readers itself', [{ User: { email: () => 'x' } }], 'User.email'],
    ['a field without a resolver of its own', { Tokens: { accessToken: () => 'x' } }, 'Tokens.accessToken'],
    ['a scalar', { DateTime: { serialize: String } as never }, 'DateTime'],
  ])('is refused: %s', (_, resolvers, place) => {
    expect(() => buildSchema({ resolvers: resolvers as never })).toThrow(
      new SchemaError(`resolvers: ${place} is Annul's own, and its resolver can't be replaced.`),
    )
  })
})
