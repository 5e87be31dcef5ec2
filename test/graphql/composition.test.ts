import { composeServices as composeByApollo } from '@apollo/composition'
import { buildSubgraphSchema } from '@apollo/subgraph'
import { describe, expect, it } from '@jest/globals'
import { composeServices as composeByHive } from '@theguild/federation-composition'
import { graphql, parse } from 'graphql'
import type { Rename } from '../../src/graphql/rename.ts'
import { buildSchema, type SchemaExtension } from '../../src/graphql/schema.ts'

/* What `_service` shows composes, beside a subgraph that has types of the same names. */

async function sdlOf(extension: SchemaExtension, rename?: Rename): Promise<string> {
  const schema = buildSchema({ federation: true, ...extension }, rename ? { rename } : {})
  const { data } = await graphql({ schema, source: '{ _service { sdl } }' })
  return String(Object(data?._service).sdl)
}

const orders = `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@shareable"])
  scalar DateTime
  type Query { orders(first: Int, after: String): OrderConnection! }
  type OrderConnection { nodes: [Order!]! pageInfo: PageInfo! }
  type Order @key(fields: "id") { id: ID! at: DateTime! buyer: User! }
  type User @key(fields: "id") { id: ID! orders: [Order!]! }
  type PageInfo @shareable { hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String endCursor: String }`

/** The supergraph by both libraries. */
function compose(annul: string, other = orders): string[] {
  const services = [
    { name: 'annul', typeDefs: parse(annul), url: 'http://127.0.0.1:4001/graphql' },
    { name: 'orders', typeDefs: parse(other), url: 'http://127.0.0.1:4002/graphql' },
  ]
  return [composeByApollo, composeByHive].map(composeServices => {
    const { errors, supergraphSdl } = Object(composeServices(services)) as {
      errors?: readonly { readonly message: string }[]
      supergraphSdl?: string
    }
    expect(errors?.map(({ message }) => message)).toBeUndefined()
    return supergraphSdl ?? ''
  })
}

describe('The SDL of the subgraph', () => {
  it('composes beside a subgraph with its own User, PageInfo and DateTime', async () => {
    for (const supergraph of compose(await sdlOf({}))) {
      // One User of two subgraphs.
      expect(supergraph).toMatch(
        /type User\s+@join__type\(graph: ANNUL, key: "id"\)\s+@join__type\(graph: ORDERS, key: "id"\)/,
      )
      expect(supergraph).toMatch(/type PageInfo\s+@join__type\(graph: ANNUL\)\s+@join__type\(graph: ORDERS\)/)
      expect(supergraph).toMatch(/type Session\s+@join__type\(graph: ANNUL, key: "id"\)/)
      expect(supergraph).toMatch(/email: String @join__field\(graph: ANNUL/)
      expect(supergraph).not.toMatch(/_entities|_service/)
    }
  })

  it('carries @auth into the supergraph', async () => {
    for (const supergraph of compose(await sdlOf({}))) {
      expect(supergraph).toMatch(/directive @auth\(/)
      expect(supergraph).toMatch(
        /@link\(url: "https:\/\/example\.com\/annul\/annul\/v1\.0", import: \["@auth"\]\)/,
      )
      const me = /\bme: User!.*/.exec(supergraph)?.[0]
      expect(me).toMatch(/@auth\b/)
      expect(supergraph).toMatch(/@auth\(roles: \["admin"\], maxAge: 300\)/)
      expect(supergraph).toMatch(/@auth\(roles: \["admin"\], maxAge: 300, mfa: true\)/)
      expect(supergraph).not.toMatch(/@policy|@authenticated/)
    }
  })

  it('says the same by Apollo’s directives on request', async () => {
    const typeDefs = `extend type Query {
      report: Int @auth(scopes: [["read:a", "read:b"], ["all"]], roles: ["clerk", "boss"])
      payouts: Int @auth(mfa: true)
    }`
    const sdl = await sdlOf({ federation: { security: 'apollo' }, typeDefs })
    expect(sdl).toContain(
      'report: Int @auth(scopes: [["read:a", "read:b"], ["all"]], roles: ["clerk", "boss"]) @authenticated ' +
        '@requiresScopes(scopes: [["read:a", "read:b"], ["all"]]) @policy(policies: [["role:clerk"], ["role:boss"]])',
    )
    // No directive of Apollo's asks for a second factor: the subgraph alone does.
    expect(sdl).toContain('payouts: Int @auth(mfa: true) @authenticated\n')
    expect(sdl).toMatch(
      /revokeEverything: Boolean! @auth\(roles: \["admin"\], maxAge: 300\) @authenticated @policy\(policies: \[\["role:admin"\]\]\)/,
    )
    for (const supergraph of compose(sdl)) {
      expect(supergraph).toMatch(/specs\.apollo\.dev\/authenticated\/v0\.1/)
      expect(supergraph).toMatch(/specs\.apollo\.dev\/policy\/v0\.1/)
      expect(/\bme: User!.*/.exec(supergraph)?.[0]).toMatch(/@authenticated/)
      expect(supergraph).toMatch(/@policy\(policies: \[\["role:admin"\]\]\)/)
    }
  })

  it('has an app’s types with keys of their own, and its own directives', async () => {
    const typeDefs = `
      extend schema @link(url: "https://example.com/specs/audit/v1.0", import: ["@audited"]) @composeDirective(name: "@audited")
      directive @audited on FIELD_DEFINITION
      type Invoice @key(fields: "id") @key(fields: "number") { id: ID! number: Int! owner: User total: Int @audited @tag(name: "money") }
      extend type User { invoices: [Invoice!]! @auth(scopes: [["read:invoices"]]) }
      extend type Query { invoice(id: ID!): Invoice @auth }`
    const sdl = await sdlOf({ typeDefs })
    expect(sdl).toMatch(/import: \["@composeDirective", "@key", "@shareable", "@tag"\]/)
    for (const supergraph of compose(sdl)) {
      expect(supergraph).toMatch(
        /type Invoice\s+@join__type\(graph: ANNUL, key: "id"\)\s+@join__type\(graph: ANNUL, key: "number"\)/,
      )
      expect(supergraph).toMatch(/total: Int[^\n]*@audited/)
      expect(supergraph).toMatch(/invoices: \[Invoice!\]!/)
    }
  })

  it('composes under other names, too', async () => {
    const rename = {
      types: { User: 'Account', PageInfo: 'AuthPage' },
      directive: 'guard',
      fields: { 'Query.me': 'viewer' },
    }
    const sdl = await sdlOf({}, rename)
    for (const supergraph of compose(sdl)) {
      expect(supergraph).toMatch(/type Account\s+@join__type\(graph: ANNUL, key: "id"\)/)
      expect(supergraph).toMatch(/directive @guard\(/)
      expect(/\bviewer: Account!.*/.exec(supergraph)?.[0]).toMatch(/@guard\b/)
    }
    // The other's own User has nothing to do with it.
    expect(compose(sdl)[0]).toMatch(/type User\s+@join__type\(graph: ORDERS, key: "id"\)\n\{/)
  })

  it('is a subgraph for Apollo’s own library, too', async () => {
    const typeDefs = parse(await sdlOf({}))
    const schema = buildSubgraphSchema({ typeDefs })
    expect(String(schema.getType('_Entity'))).toBe('_Entity')
    expect(schema.getQueryType()?.getFields().me).toBeDefined()
  })
})

describe('A subgraph is refused', () => {
  const federation = true
  it('with a @link to federation of the app’s own', () => {
    const link = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.5", import: ["@key"])'
    expect(() => buildSchema({ federation, typeDefs: link })).toThrow(
      "@link to federation: leave it out. The one of Annul's part (https://specs.apollo.dev/federation/v2.9) imports every " +
        'directive of federation that the typeDefs use, under its own name.',
    )
  })

  it('with an app’s lookup of Annul’s own types', () => {
    for (const type of ['User', 'Session'])
      expect(() =>
        buildSchema({ federation, resolvers: { [type]: { __resolveReference: () => ({}) } } }),
      ).toThrow(`resolvers: ${type}.__resolveReference is Annul's own, and its resolver can't be replaced.`)
  })

  it.each<[unknown, string]>([
    ['on', 'The option "federation" must be true, false or { security }.'],
    [null, 'The option "federation" must be true, false or { security }.'],
    [{ secure: 'apollo' }, 'federation has no option "secure". The nearest name is "security".'],
    [{ security: 'hive' }, 'The option "federation.security" must be one of annul, apollo.'],
  ])('with the option %j', (given, message) => {
    expect(() => buildSchema({ federation: given } as SchemaExtension)).toThrow(new TypeError(message))
  })

  it('no more than before: without the option nothing of it is there', () => {
    for (const schema of [buildSchema(), buildSchema({ federation: false })]) {
      expect(schema.getQueryType()?.getFields()).not.toHaveProperty('_service')
      expect(schema.getQueryType()?.getFields()).not.toHaveProperty('_users')
      expect(schema.getType('_Entity')).toBeUndefined()
      expect(schema.getDirective('key')).toBeUndefined()
    }
  })
})
