import { buildSubgraphSchema } from '@apollo/subgraph'
import { describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { buildSchema as buildPlain, graphql, parse } from 'graphql'
import { guardSchema } from '../../src/graphql/directive.ts'
import { type Guards, readGuards } from '../../src/graphql/guards.ts'
import { SchemaError } from '../../src/graphql/requirements.ts'
import { forbidden, useGuardedApp } from '../support/guardedApp.ts'

/* What guards a field that returns a guarded type, and when such a schema is refused. */

const directive =
  'directive @auth(roles: [String!], scopes: [[String!]!], maxAge: Int, mfa: Boolean) on OBJECT | FIELD_DEFINITION'

function guardsOf(sdl: string): Record<string, unknown> {
  const guards: Guards = readGuards(buildPlain(`${directive} ${sdl}`))
  return Object.fromEntries(guards)
}

const typeDefs = `
  extend type Query { vault: Vault @auth(roles: ["editor"]) }
  type Vault @auth(maxAge: 60, roles: ["keeper"]) { gold: String }
`
const app = useGuardedApp({ typeDefs, resolvers: { Query: { vault: () => ({ gold: 'gold' }) } } })

const members = `
  interface Paper { id: ID }
  type Invoice implements Paper @auth(roles: ["clerk"]) { id: ID }
  type Note implements Paper { id: ID }
  union Any = Invoice | Note
`
const differently =
  'whose members are guarded differently: Invoice (@auth(roles: ["clerk"])), Note (not at all).'

describe('what guards a field', () => {
  it('is its type, itself and the type that it returns, each requirement once', () => {
    const guards = guardsOf(`
      type Query { vault: Vault @auth(maxAge: 60) vaults: [[Vault!]!]! open: String shelf: Shelf }
      type Shelf @auth(roles: ["keeper", "owner"]) { inner: Shelf vault: Vault @auth(roles: ["keeper"]) }
      type Vault @auth(roles: ["owner", "keeper"]) { gold: String vault: Vault silver: String @auth }
    `)
    const vault = { roles: ['owner', 'keeper'] }
    const shelf = { roles: ['keeper', 'owner'] }
    expect(guards).toEqual({
      'Query.vault': [{ maxAge: 60 }, vault],
      'Query.vaults': [vault],
      'Query.shelf': [shelf],
      'Shelf.inner': [shelf],
      // The vault's requirement differs from the shelf's in its order only, so that it stands once.
      'Shelf.vault': [vault, { roles: ['keeper'] }],
      'Vault.gold': [vault],
      'Vault.vault': [vault],
      'Vault.silver': [vault, {}],
    })
  })

  it('wants a second factor where one of its guards does, whatever the others say', () => {
    const guards = guardsOf(`
      type Query { weak: Strong @auth(mfa: false) plain: Strong @auth strong: Weak @auth(mfa: true) no: Weak @auth }
      type Strong @auth(mfa: true) { id: ID @auth }
      type Weak @auth(mfa: false) { id: ID @auth(mfa: true) }
    `)
    expect(guards).toEqual({
      'Query.weak': [{ mfa: false }, { mfa: true }],
      'Query.plain': [{}, { mfa: true }],
      'Query.strong': [{ mfa: true }, { mfa: false }],
      // The same: each requirement stands once, as it was written last.
      'Query.no': [{ mfa: false }],
      'Strong.id': [{ mfa: true }, {}],
      'Weak.id': [{ mfa: false }, { mfa: true }],
    })
  })

  it('is what all members of an interface or a union have in common, in whatever order', () => {
    const guards = guardsOf(`
      type Query { paper: Paper any: [Any] nothing: Empty }
      interface Empty { id: ID }
      interface Paper { id: ID }
      type Invoice implements Paper @auth(scopes: [["b", "a"], ["c"]], roles: ["x", "y"]) { id: ID }
      type Receipt implements Paper @auth(roles: ["y", "x"], scopes: [["c"], ["a", "b"]]) { id: ID }
      union Any = Invoice | Receipt
    `)
    const both = [{ roles: ['x', 'y'], scopes: [['b', 'a'], ['c']] }]
    expect(guards['Query.paper']).toEqual(both)
    expect(guards['Query.any']).toEqual(both)
    expect(guards['Query.nothing']).toBeUndefined()
  })

  it('is its own @auth alone where the members are guarded differently', () => {
    const guards = guardsOf(
      `type Query { any: Any @auth(roles: ["reader"]) paper: [Paper] @auth } ${members}`,
    )
    expect(guards['Query.any']).toEqual([{ roles: ['reader'] }])
    expect(guards['Query.paper']).toEqual([{}])
  })

  it('is a root type too where a field returns it', () => {
    const guards = guardsOf('type Query @auth { open: Open } type Open { query: Query }')
    expect(guards).toEqual({ 'Query.open': [{}], 'Open.query': [{}] })
  })
})

describe('a schema is refused, with the field and the members,', () => {
  it.each([
    ['a union', 'type Query { any: Any }', 'Query.any returns Any'],
    ['a list of an interface', 'type Query { papers: [Paper!]! }', 'Query.papers returns Paper'],
    ['a field below the root', 'type Query { box: Box } type Box { any: Any }', 'Box.any returns Any'],
    ['a mutation', 'type Query { a: ID } type Mutation { make: Any }', 'Mutation.make returns Any'],
    [
      'a field whose own type is guarded, but not the field',
      'type Query { box: Box } type Box @auth { any: Any }',
      'Box.any returns Any',
    ],
  ])('for members that are guarded differently behind %s', (_, sdl, message) => {
    expect(() => guardSchema(buildPlain(`${directive} ${sdl} ${members}`))).toThrow(
      new SchemaError(`${message}, ${differently} Put @auth on the field.`),
    )
  })

  it('for guards that differ in the second factor alone', () => {
    const sdl =
      'type Query { any: Any } type A @auth { id: ID } type B @auth(mfa: true) { id: ID } union Any = A | B'
    expect(() => guardSchema(buildPlain(`${directive} ${sdl}`))).toThrow(
      'Query.any returns Any, whose members are guarded differently: A (@auth), B (@auth(mfa: true)).',
    )
  })

  it('for guards that differ in one argument', () => {
    const sdl =
      'type Query { any: Any } type A @auth { id: ID } type B @auth(maxAge: 5) { id: ID } union Any = A | B'
    expect(() => guardSchema(buildPlain(`${directive} ${sdl}`))).toThrow(
      'Query.any returns Any, whose members are guarded differently: A (@auth), B (@auth(maxAge: 5)).',
    )
  })
})

describe('the lookup of a gateway', () => {
  const looked: unknown[] = []
  const lookUp = (reference: object) => {
    looked.push(reference)
    return { ...reference, gold: 'gold' }
  }
  const sdl = `
    extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"])
    ${directive}
    type Query { open: ID }
    type Vault @key(fields: "id") @auth(roles: ["keeper"]) { id: ID! gold: String }
    type Safe @key(fields: "id") @auth(roles: ["keeper"]) { id: ID! gold: String }
    type Note @key(fields: "id") { id: ID! gold: String }
  `
  const build = (typeDefs: string, resolvers: object) =>
    guardSchema(buildSubgraphSchema([{ typeDefs: parse(typeDefs), resolvers: resolvers as never }]))
  const schema = build(sdl, { Vault: { __resolveReference: lookUp }, Note: { __resolveReference: lookUp } })
  const source = `{ _entities(representations: [
    { __typename: "Vault", id: "1" }, { __typename: "Note", id: "2" }, { __typename: "Safe", id: "3", gold: "forged" }
  ]) { __typename ... on Vault { gold } ... on Note { gold } ... on Safe { gold } } }`
  /** Asked as a gateway asks, with a context of a real node. */
  const ask = async (token?: string) => {
    looked.length = 0
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
    const contextValue = app.auth.context({ headers }, { appendHeader: () => {} })
    const { data, errors } = await graphql({ schema, source, contextValue })
    return {
      entities: data?._entities,
      errors: errors?.map(({ path, message }) => [path?.join('.'), message]),
    }
  }
  const note = { __typename: 'Note', gold: 'gold' }

  it('is guarded for each type: for others neither the lookup nor a field of the type runs', async () => {
    const message = 'You are not signed in.'
    expect(await ask()).toEqual({
      entities: [null, note, { __typename: 'Safe', gold: null }],
      errors: [
        ['_entities.2.gold', message],
        ['_entities.0', message],
      ],
    })
    expect(looked).toEqual([{ __typename: 'Note', id: '2' }])
  })

  it('gives each type to whoever may see it', async () => {
    expect(await ask(await app.tokenWith(['keeper']))).toEqual({
      entities: [{ __typename: 'Vault', gold: 'gold' }, note, { __typename: 'Safe', gold: 'forged' }],
      errors: undefined,
    })
    expect(looked).toHaveLength(2)
  })

  it('is refused for an interface whose members are guarded differently', () => {
    const differing = `${sdl}
      interface Thing @key(fields: "id") { id: ID! }
      type Book implements Thing @key(fields: "id") @auth { id: ID! }
      type Leaf implements Thing @key(fields: "id") { id: ID! }`
    expect(() => build(differing, { Thing: { __resolveReference: lookUp } })).toThrow(
      new SchemaError(
        'Thing.__resolveReference returns members that are guarded differently: Book (@auth), Leaf (not at all).',
      ),
    )
  })
})

describe('a guard that asks for several things', () => {
  const query = '{ vault { gold } }'

  it('wants the roles of the field and of the type that it returns', async () => {
    expect((await app.ask(query, await app.tokenWith(['keeper']))).errors).toEqual([
      forbidden({ roles: ['editor'] }, 'vault'),
    ])
    expect((await app.ask(query, await app.tokenWith(['editor']))).errors).toEqual([
      forbidden({ roles: ['keeper'] }, 'vault'),
    ])
    expect((await app.ask(query, await app.tokenWith(['keeper', 'editor']))).data).toEqual({
      vault: { gold: 'gold' },
    })
  })

  it('does not send anybody to confirm a password for what stays forbidden', async () => {
    const codeWith = async (roles: string[]) => {
      await app.tokenWith(roles)
      const { refreshToken, session } = await app.login(app.account)
      await app.rows(
        sql`update annul.sessions set auth_time = now() - interval '70 s' where id = ${session.id}`,
      )
      const { data } = await app.refresh(refreshToken)
      const { errors } = await app.ask(query, data?.refresh.accessToken)
      return (errors as { code: string }[]).map(({ code }) => code)
    }
    expect(await codeWith(['keeper'])).toEqual(['FORBIDDEN'])
    expect(await codeWith(['editor'])).toEqual(['FORBIDDEN'])
    expect(await codeWith(['keeper', 'editor'])).toEqual(['REAUTHENTICATION_REQUIRED'])
  })
})
