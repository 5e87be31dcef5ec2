import { printSchemaWithDirectives } from '@graphql-tools/utils'
import { describe, expect, it } from '@jest/globals'
import { lexicographicSortSchema } from 'graphql'
import { guardSchema, hasPublicSubscription } from '../../src/graphql/directive.ts'
import { listGuards } from '../../src/graphql/listGuards.ts'
import { SchemaError } from '../../src/graphql/requirements.ts'
import { buildSchema, type SchemaExtension } from '../../src/graphql/schema.ts'
import { useOwnServer } from '../support/codeFirst.ts'
import { forbidden, useGuardedApp } from '../support/guardedApp.ts'

/* An app that has Annul's names already: Annul's get others. */

const rename = {
  types: {
    User: 'Account',
    Tokens: 'AuthTokens',
    LoginInput: 'SignInInput',
    DateTime: 'Instant',
    UserStatus: 'Standing',
    SessionEventKind: 'Happening',
  },
  directive: 'requires',
  fields: {
    'Query.me': 'viewer',
    'Query.users': 'accounts',
    'Mutation.login': 'signIn',
    'Subscription.sessionEvents': 'devices',
    'Session.device': 'browser',
    'PageInfo.hasNextPage': 'more',
    'User.status': 'standing',
  },
}

/** The app's own: every name that was renamed, and a directive @auth that means something else. */
const extension: SchemaExtension = {
  typeDefs: `
    directive @auth(group: String) on FIELD_DEFINITION
    scalar DateTime
    enum UserStatus { GOLD SILVER }
    input LoginInput { name: String! }
    type User { name: String status: UserStatus account: Account since: DateTime }
    type Vault @requires(roles: ["keeper"]) { gold: String }
    extend type Query { me: User @auth(group: "all") users: [User] mine: [Account!] @requires vault: Vault }
    extend type Mutation { login(input: LoginInput!): String }
    extend type Account { nick: String }
  `,
  resolvers: {
    Query: {
      me: () => ({ name: 'mine', status: 'GOLD', account: { id: node.account.userId }, since: 'long ago' }),
      users: () => [{ name: 'another' }],
      mine: (_, __, { auth }) => [{ id: auth.viewer().userId }],
      vault: () => ({ gold: 'gold' }),
    },
    Mutation: { login: (_, { input }) => `Hello, ${input.name}.` },
    Account: { nick: ({ id }) => `nick of ${id}` },
  },
}

const node = useGuardedApp({})
const server = useOwnServer(node, () => buildSchema(extension, { rename }))

describe('a renamed schema', () => {
  it('signs in, and answers under the new names beside the app’s own', async () => {
    const { email, password, userId } = node.account
    const signedIn = await server.send<{ signIn: { accessToken: string } }>(
      `mutation ($input: SignInInput!) { signIn(input: $input) {
        __typename accessToken user { __typename id email standing createdAt } session { browser }
      } login(input: { name: "Ada" }) }`,
      { variables: { input: { email, password } } },
    )
    expect(signedIn).toMatchObject({
      status: 200,
      errors: undefined,
      data: {
        signIn: {
          __typename: 'AuthTokens',
          accessToken: expect.any(String),
          user: {
            __typename: 'Account',
            id: userId,
            email,
            standing: 'ACTIVE',
            createdAt: expect.stringMatching(/^\d{4}-.*Z$/),
          },
          session: { browser: expect.anything() },
        },
        login: 'Hello, Ada.',
      },
    })
    const token = signedIn.data?.signIn.accessToken
    const query = `{
      viewer { __typename id nick sessions { current } }
      me { __typename name status since account { __typename id email nick } }
      mine { email }
    }`
    expect(await server.ask(query, token)).toEqual({
      status: 200,
      data: {
        viewer: { __typename: 'Account', id: userId, nick: `nick of ${userId}`, sessions: expect.any(Array) },
        me: {
          __typename: 'User',
          name: 'mine',
          status: 'GOLD',
          since: 'long ago',
          account: { __typename: 'Account', id: userId, email, nick: `nick of ${userId}` },
        },
        mine: [{ email }],
      },
      errors: [],
    })
  })

  it('guards by the renamed directive, Annul’s own fields and the app’s', async () => {
    const missing = { code: 'UNAUTHENTICATED', reason: 'TOKEN_MISSING', recover: 'LOGIN' }
    expect((await server.ask('{ viewer { id } }')).errors).toEqual([{ path: ['viewer'], ...missing }])
    expect(await server.ask('{ vault { gold } me { name } }')).toEqual({
      status: 200,
      data: { vault: null, me: { name: 'mine' } },
      errors: [{ path: ['vault'], ...missing }],
    })
    expect(
      await server.ask('{ accounts { pageInfo { more } } vault { gold } }', await node.tokenWith([])),
    ).toEqual({
      status: 200,
      data: null,
      errors: [forbidden({ roles: ['admin'] }, 'accounts')],
    })
    const admin = await node.tokenWith(['admin', 'keeper'])
    expect(await server.ask('{ accounts { pageInfo { more } } vault { gold } }', admin)).toEqual({
      status: 200,
      data: { accounts: { pageInfo: { more: false } }, vault: { gold: 'gold' } },
      errors: [],
    })
  })

  it('sends its events under the new names', async () => {
    const events = await server.listen(
      'subscription { devices { __typename kind session { browser } } }',
      await node.tokenWith([]),
    )
    if (!(Symbol.asyncIterator in events)) throw new Error(JSON.stringify(events))
    const event = events.next()
    await node.login(node.account)
    expect(JSON.parse(JSON.stringify(await event))).toMatchObject({
      value: { data: { devices: { __typename: 'SessionEvent', kind: 'OPENED', session: {} } } },
    })
    await events.return?.()
  })

  it('has the former names nowhere: not as a type, not in a reference, not in a description', () => {
    const sdl = printSchemaWithDirectives(lexicographicSortSchema(buildSchema({}, { rename })))
    expect(sdl).toContain('directive @requires(')
    expect(sdl).toContain('accounts(')
    for (const former of ['User', 'Tokens', 'LoginInput', 'DateTime', 'UserStatus', 'SessionEventKind'])
      expect(sdl.match(new RegExp(`(type|input|enum|scalar|: \\[?)\\s*${former}\\b`))).toBeNull()
    expect(sdl.match(/@auth\b|`login`|\bme:|\bsessionEvents\b/)).toBeNull()
  })

  it('lists the same guards under the new names, and is guarded once more by the name that it carries', () => {
    const plain = new Map(listGuards(buildSchema()).map(({ field, guard }) => [field, guard]))
    const renamed = new Map(listGuards(buildSchema({}, { rename })).map(({ field, guard }) => [field, guard]))
    expect(renamed.size).toBe(plain.size)
    expect(renamed.get('Query.viewer')).toEqual(plain.get('Query.me'))
    expect(renamed.get('Query.accounts')).toEqual([{ roles: ['admin'] }])
    expect(renamed.get('Mutation.signIn')).toEqual([])
    expect(renamed.get('Account.standing')).toEqual([])
    const again = guardSchema(buildSchema({}, { rename }))
    expect(new Map(listGuards(again).map(({ field, guard }) => [field, guard]))).toEqual(renamed)
    expect(hasPublicSubscription(again)).toBe(false)
  })

  it('may swap two names', async () => {
    const schema = buildSchema(
      {},
      {
        rename: {
          types: { User: 'Session', Session: 'User' },
          fields: { 'Query.me': 'sessions', 'Query.sessions': 'me' },
        },
      },
    )
    const fields = schema.getQueryType()?.getFields()
    expect([String(fields?.sessions?.type), String(fields?.me?.type)]).toEqual(['Session!', '[User!]!'])
    expect(Object.keys(schema.getSubscriptionType()?.getFields() ?? {})).toEqual(['sessionEvents'])
  })

  it('refuses a misplaced guard by the new name', () => {
    const refused = (sdl: string) => () => buildSchema({ typeDefs: sdl }, { rename })
    expect(refused('scalar Money @requires')).toThrow(
      new SchemaError('@requires on Money: only an object type or a field of one can be guarded.'),
    )
    expect(refused('extend type Query { a: ID @requires(role: "x") }')).toThrow(
      new SchemaError('@requires on Query.a: there is no argument "role".'),
    )
    expect(refused('extend type Query { a: ID @requires(roles: []) }')).toThrow(
      new SchemaError('@requires on Query.a: "roles" is empty, so nobody could pass.'),
    )
    expect(refused('extend type Query { a: ID @auth }')).toThrow('Unknown directive "@auth".')
  })
})
