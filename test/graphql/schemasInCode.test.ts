import { describe, expect, it } from '@jest/globals'
import { GraphQLDirective, GraphQLObjectType, GraphQLSchema, GraphQLString } from 'graphql'
import { guardSchema } from '../../src/graphql/directive.ts'
import { listGuards } from '../../src/graphql/listGuards.ts'
import { buildSchema } from '../../src/graphql/schema.ts'
import { newBuilder } from '../support/codeFirst.ts'
import { forbidden, useGuardedApp } from '../support/guardedApp.ts'

/* A schema of Pothos beside Annul's own, in one schema: users sign in by it, and its fields return Annul's User. */

function pothosSchema(): GraphQLSchema {
  const builder = newBuilder()
  const User = builder.objectRef<{ id: string }>('User').implement({
    fields: t => ({ id: t.id({ resolve: () => 'never asked' }) }),
  })
  const Note = builder.objectRef<{ text: string; owner: string }>('Note').implement({
    extensions: { auth: { roles: ['reader'] } },
    fields: t => ({
      text: t.exposeString('text'),
      owner: t.field({ type: User, resolve: ({ owner }) => ({ id: owner }) }),
    }),
  })
  builder.queryType({
    fields: t => ({
      news: t.string({ resolve: () => 'It rains.' }),
      note: t.field({
        type: Note,
        resolve: (_, __, { auth }) => ({ text: 'hi', owner: auth.viewer().userId }),
      }),
    }),
  })
  builder.mutationType({
    fields: t => ({ wipe: t.boolean({ extensions: { auth: { maxAge: 60 } }, resolve: () => true }) }),
  })
  builder.subscriptionType({
    fields: t => ({
      ticks: t.string({
        extensions: { auth: true },
        subscribe: async function* () {
          yield 'one'
        },
        resolve: event => event as string,
      }),
    }),
  })
  return builder.toSchema()
}

const app = useGuardedApp({
  typeDefs: 'extend type User { nick: String @auth }',
  resolvers: { User: { nick: () => 'countess' } },
  schemas: [pothosSchema()],
})

describe('a schema that is built in code, beside Annul’s', () => {
  it('is served in one, with Annul’s own fields and resolvers', async () => {
    const query = '{ news me { id } note { text owner { id email nick } } }'
    const { userId, email } = app.account
    expect(await app.ask(query, await app.tokenWith(['reader']))).toEqual({
      status: 200,
      data: {
        news: 'It rains.',
        me: { id: userId },
        note: { text: 'hi', owner: { id: userId, email, nick: 'countess' } },
      },
      errors: [],
    })
  })

  it('is guarded by its extensions', async () => {
    expect(await app.ask('{ note { text } }', await app.tokenWith([]))).toEqual({
      status: 200,
      data: { note: null },
      errors: [forbidden({ roles: ['reader'] }, 'note')],
    })
    expect((await app.ask('mutation { wipe }')).errors).toEqual([
      { path: ['wipe'], code: 'UNAUTHENTICATED', reason: 'TOKEN_MISSING', recover: 'LOGIN' },
    ])
    const guards = new Map(
      listGuards(buildSchema({ schemas: [pothosSchema()] })).map(({ field, guard }) => [field, guard]),
    )
    expect(guards.get('Mutation.wipe')).toEqual([{ maxAge: 60 }])
    expect(guards.get('Subscription.ticks')).toEqual([{}])
    expect(guards.get('Note.owner')).toEqual([{ roles: ['reader'] }])
  })

  it('may be guarded already, and is not decided twice', () => {
    const once = listGuards(buildSchema({ schemas: [pothosSchema()] }))
    expect(listGuards(buildSchema({ schemas: [guardSchema(pothosSchema())] }))).toEqual(once)
  })

  const type = GraphQLString
  const schemaWith = (
    fields: ConstructorParameters<typeof GraphQLObjectType>[0]['fields'],
    name = 'Query',
  ) => {
    const object = new GraphQLObjectType({ name, fields })
    const query =
      name === 'Query' ? object : new GraphQLObjectType({ name: 'Query', fields: { of: { type: object } } })
    return new GraphQLSchema({ query })
  }

  it.each<[string, GraphQLSchema, string]>([
    [
      'a User of its own',
      schemaWith({ id: { type }, name: { type } }, 'User'),
      "User: this name is Annul's own, and can't be declared once more. Leave the declaration out to use Annul's. " +
        "To have both, give Annul's another name, by an option of createAuth: rename: { types: { User: 'AuthUser' } }",
    ],
    [
      'a field of Annul’s',
      schemaWith({ me: { type } }),
      "Query.me: this name is Annul's own, and can't be declared once more. Leave the declaration out to use Annul's. " +
        "To have both, give Annul's another name, by an option of createAuth: rename: { fields: { 'Query.me': 'authMe' } }",
    ],
    [
      'a guard in the wrong place',
      schemaWith({ a: { type, args: { of: { type, extensions: { auth: true } } } } }),
      'extensions.auth on Query.a.of: only an object type or a field of one can be guarded.',
    ],
    [
      'a guard on a directive, which no merge keeps',
      new GraphQLSchema({
        ...schemaWith({ a: { type } }).toConfig(),
        directives: [new GraphQLDirective({ name: 'cached', locations: [], extensions: { auth: true } })],
      }),
      'extensions.auth on @cached: only an object type or a field of one can be guarded.',
    ],
    [
      'a guard that could not be enforced',
      schemaWith({ a: { type, extensions: { auth: { roles: 'admin' } } } }),
      'extensions.auth on Query.a: "roles" is a text: write ["admin"].',
    ],
  ])('is refused for %s', (_, schema, message) => {
    expect(() => buildSchema({ schemas: [schema] })).toThrow(message)
  })

  it('keeps its own User where Annul’s is renamed', () => {
    const schemas = [schemaWith({ id: { type }, name: { type } }, 'User')]
    const built = buildSchema({ schemas }, { rename: { types: { User: 'Account' } } })
    expect(String(built.getQueryType()?.getFields().of?.type)).toBe('User')
    expect(String(built.getQueryType()?.getFields().me?.type)).toBe('Account!')
  })
})
