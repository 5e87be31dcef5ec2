import { beforeEach, describe, expect, it } from '@jest/globals'
import {
  type GraphQLFieldConfigMap,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLSchema,
  GraphQLString,
  graphql,
} from 'graphql'
import { guardSchema } from '../../src/graphql/directive.ts'
import { listGuards } from '../../src/graphql/listGuards.ts'
import type { GraphQLContext } from '../../src/request/context.ts'
import { newBuilder, type OwnServer, useOwnServer } from '../support/codeFirst.ts'
import { openForge } from '../support/forge.ts'
import { forbidden, useGuardedApp } from '../support/guardedApp.ts'

/* Schemas that are built in code and know no @auth: `extensions.auth` guards, as the directive would. */

let resolved: string[] = []
beforeEach(() => {
  resolved = []
})
const note = <T>(name: string, value: T) => {
  resolved.push(name)
  return value
}

async function* twice(name: string) {
  resolved.push(name)
  yield 'one'
  yield 'two'
}

const keepers = { roles: ['keeper'] }

/** With Pothos. */
function pothosSchema(): GraphQLSchema {
  const builder = newBuilder()
  const Vault = builder.objectRef<{ gold: string }>('Vault').implement({
    extensions: { auth: keepers },
    fields: t => ({
      gold: t.exposeString('gold'),
      silver: t.string({
        extensions: { auth: { scopes: [['silver']] } },
        resolve: () => note('silver', 'silver'),
      }),
    }),
  })
  builder.queryType({
    fields: t => ({
      open: t.string({ resolve: () => 'open' }),
      name: t.string({
        extensions: { auth: true },
        resolve: (_, __, { auth }) => note('name', auth.viewer().userId),
      }),
      vault: t.field({ type: Vault, resolve: () => note('vault', { gold: 'gold' }) }),
    }),
  })
  builder.mutationType({
    fields: t => ({
      open: t.string({ resolve: () => note('open', 'open') }),
      proved: t.string({ extensions: { auth: { maxAge: 60 } }, resolve: () => note('proved', 'proved') }),
      strong: t.string({ extensions: { auth: { mfa: true } }, resolve: () => note('strong', 'strong') }),
      dig: t.field({ type: [Vault], resolve: () => note('dig', [{ gold: 'gold' }]) }),
    }),
  })
  builder.subscriptionType({
    fields: t => ({
      ticks: t.string({
        extensions: { auth: { roles: ['listener'] } },
        subscribe: () => twice('ticks'),
        resolve: event => event as string,
      }),
    }),
  })
  return builder.toSchema()
}

/** With nothing but graphql. */
function bareSchema(): GraphQLSchema {
  type Fields = GraphQLFieldConfigMap<unknown, GraphQLContext>
  const type = GraphQLString
  const vaultFields: Fields = {
    gold: { type },
    silver: {
      type,
      extensions: { auth: { scopes: [['silver']] } },
      resolve: () => note('silver', 'silver'),
    },
  }
  const Vault = new GraphQLObjectType({ name: 'Vault', extensions: { auth: keepers }, fields: vaultFields })
  const queries: Fields = {
    open: { type, resolve: () => 'open' },
    name: {
      type,
      extensions: { auth: {} },
      resolve: (_, __, { auth }) => note('name', auth.viewer().userId),
    },
    vault: { type: Vault, resolve: () => note('vault', { gold: 'gold' }) },
  }
  const mutations: Fields = {
    open: { type, resolve: () => note('open', 'open') },
    proved: { type, extensions: { auth: { maxAge: 60 } }, resolve: () => note('proved', 'proved') },
    strong: { type, extensions: { auth: { mfa: true } }, resolve: () => note('strong', 'strong') },
    dig: {
      type: new GraphQLList(new GraphQLNonNull(Vault)),
      resolve: () => note('dig', [{ gold: 'gold' }]),
    },
  }
  const subscriptions: Fields = {
    ticks: {
      type,
      extensions: { auth: { roles: ['listener'] } },
      subscribe: () => twice('ticks'),
      resolve: event => event,
    },
  }
  return new GraphQLSchema({
    query: new GraphQLObjectType({ name: 'Query', fields: queries }),
    mutation: new GraphQLObjectType({ name: 'Mutation', fields: mutations }),
    subscription: new GraphQLObjectType({ name: 'Subscription', fields: subscriptions }),
  })
}

const node = useGuardedApp({})
const missing = { code: 'UNAUTHENTICATED', reason: 'TOKEN_MISSING', recover: 'LOGIN' }

describe.each([
  ['Pothos', pothosSchema],
  ['graphql alone', bareSchema],
])('a schema that is built with %s', (_, makeSchema) => {
  const server: OwnServer = useOwnServer(node, () => guardSchema(makeSchema()))

  it('asks for a live session, and leaves other fields alone', async () => {
    expect(await server.ask('{ open name }')).toEqual({
      status: 200,
      data: { open: 'open', name: null },
      errors: [{ path: ['name'], ...missing }],
    })
    expect(resolved).toEqual([])
    expect(await server.ask('{ name }', await node.tokenWith([]))).toEqual({
      status: 200,
      data: { name: node.account.userId },
      errors: [],
    })
  })

  it('guards a type: the field that returns the type is not resolved for others', async () => {
    const query = '{ vault { gold silver } }'
    expect(await server.ask(query, await node.tokenWith([], ['silver']))).toEqual({
      status: 200,
      data: { vault: null },
      errors: [forbidden(keepers, 'vault')],
    })
    expect(resolved).toEqual([])
    expect(await server.ask(query, await node.tokenWith(['keeper']))).toEqual({
      status: 200,
      data: { vault: { gold: 'gold', silver: null } },
      errors: [forbidden({ scopes: [['silver']] }, 'vault', 'silver')],
    })
    expect((await server.ask(query, await node.tokenWith(['keeper'], ['silver']))).data).toEqual({
      vault: { gold: 'gold', silver: 'silver' },
    })
    expect(resolved).toEqual(['vault', 'vault', 'silver'])
  })

  it('does not carry out a mutation whose result is guarded', async () => {
    expect(await server.ask('mutation { open dig { gold } }')).toEqual({
      status: 200,
      data: { open: 'open', dig: null },
      errors: [{ path: ['dig'], ...missing }],
    })
    expect(resolved).toEqual(['open'])
    expect((await server.ask('mutation { dig { gold } }', await node.tokenWith(['keeper']))).data).toEqual({
      dig: [{ gold: 'gold' }],
    })
  })

  it('asks for a recent proof', async () => {
    const token = await node.tokenWith([])
    expect((await server.ask('mutation { proved }', token)).data).toEqual({ proved: 'proved' })
  })

  it('asks for a second factor', async () => {
    const token = await node.tokenWith([])
    expect((await server.ask('mutation { strong }', token)).errors).toEqual([
      { path: ['strong'], code: 'REAUTHENTICATION_REQUIRED', mfa: true, recover: 'REAUTHENTICATE' },
    ])
    expect(resolved).toEqual([])
    const proved = openForge(node, token).make({ claims: { amr: ['pwd', 'otp', 'mfa'] } })
    expect((await server.ask('mutation { strong }', proved)).data).toEqual({ strong: 'strong' })
  })

  it('refuses a token on the next request after its end, on each root field', async () => {
    const { accessToken } = await node.login(node.account)
    expect((await server.ask('{ name }', accessToken)).errors).toEqual([])
    await node.send('mutation { logout }', { token: accessToken })
    expect((await server.ask('mutation { proved }', accessToken)).errors).toEqual([
      { path: ['proved'], code: 'UNAUTHENTICATED', reason: 'LOGGED_OUT', recover: 'LOGIN' },
    ])
    expect(resolved).toEqual(['name'])
  })

  it('guards a subscription before it begins, and each of its events', async () => {
    const query = 'subscription { ticks }'
    expect(await server.listen(query, await node.tokenWith([]))).toMatchObject({
      errors: [{ message: expect.any(String), path: ['ticks'], originalError: { code: 'FORBIDDEN' } }],
    })
    expect(resolved).toEqual([])

    const token = await node.tokenWith(['listener'])
    const events = await server.listen(query, token)
    if (!(Symbol.asyncIterator in events)) throw new Error('The subscription was refused.')
    expect(await events.next()).toEqual({ done: false, value: { data: { ticks: 'one' } } })
    await node.send('mutation { logout }', { token })
    await expect(events.next()).rejects.toMatchObject({
      path: ['ticks'],
      originalError: { code: 'UNAUTHENTICATED', details: { reason: 'LOGGED_OUT' } },
    })
    expect(await events.next()).toEqual({ done: true, value: undefined })
  })
})

describe('a schema that is guarded once more', () => {
  /** Counts the decisions about senders that a mutation takes. */
  async function decisionsOf(schema: GraphQLSchema, source: string): Promise<[number, unknown]> {
    const { auth } = node.auth.context(
      { headers: { authorization: `Bearer ${await node.tokenWith(['keeper'])}` } },
      { appendHeader: () => {} },
    )
    let decisions = 0
    const counting = {
      decide(again?: boolean) {
        decisions++
        return auth.decide(again)
      },
      forget: () => auth.forget(),
      now: () => auth.now(),
    }
    const { data } = await graphql({ schema, source, contextValue: { auth: counting } })
    return [decisions, data]
  }

  const digs = 'mutation { dig { gold } }'

  it('decides as often as a schema that is guarded once', async () => {
    const once = guardSchema(bareSchema())
    const expected = await decisionsOf(once, digs)
    expect(expected).toEqual([2, { dig: [{ gold: 'gold' }] }])
    expect(await decisionsOf(guardSchema(once), digs)).toEqual(expected)
    expect(await decisionsOf(guardSchema(guardSchema(once)), digs)).toEqual(expected)
    expect(resolved).toEqual(['dig', 'dig', 'dig'])
  })

  it('asks of each sender what both guards ask, though a merge has lost the first guard', () => {
    const once = guardSchema(bareSchema())
    const dig = once.getMutationType()?.getFields().dig
    const query = new GraphQLObjectType({
      name: 'Query',
      fields: {
        dig: { type: GraphQLString, resolve: dig?.resolve, extensions: { auth: { maxAge: 60 } } },
        again: { type: GraphQLString, resolve: dig?.resolve },
      },
    } as never)
    expect(listGuards(guardSchema(new GraphQLSchema({ query })))).toEqual([
      { field: 'Query.again', guard: [keepers] },
      { field: 'Query.dig', guard: [keepers, { maxAge: 60 }] },
    ])
  })
})
