import { describe, expect, it } from '@jest/globals'
import { buildSchema as buildPlain } from 'graphql'
import { guardSchema } from '../../src/graphql/directive.ts'
import { SchemaError } from '../../src/graphql/requirements.ts'
import { buildSchema } from '../../src/graphql/schema.ts'
import { otherwise, refusalOf } from '../support/schemaRefusal.ts'
import { startTestServer } from '../support/server.ts'

/* @auth where it could not be enforced: the schema is not built, and the error says where. */

const field = (guard: string) => `extend type Query { secret: String ${guard} }`
const onlyObjects = 'only an object type or a field of one can be guarded.'
const noInterface = "an interface can't be guarded. Put it on the types that implement it."

const misplaced: [string, string, string][] = [
  [
    "Annul's own field, declared once more",
    'extend type Mutation { revokeEverything: Boolean! @auth(roles: ["user"]) }',
    "Mutation.revokeEverything: this name is Annul's own, and can't be declared once more. " +
      "Leave the declaration out to use Annul's. To have both, give Annul's another name, by an option of createAuth: " +
      "rename: { fields: { 'Mutation.revokeEverything': 'authRevokeEverything' } }",
  ],
  [
    "an interface's field",
    'interface Entity { id: ID @auth } type Book implements Entity { id: ID }',
    `@auth on Entity.id: ${noInterface}`,
  ],
  [
    "an extended interface's field",
    'interface Entity { id: ID } extend interface Entity { key: ID @auth }',
    `@auth on Entity.key: ${noInterface}`,
  ],
  [
    'an interface',
    'interface Entity @auth { id: ID } type Book implements Entity { id: ID }',
    `@auth on Entity: ${onlyObjects}`,
  ],
  [
    'an extended interface',
    'interface Entity { id: ID } extend interface Entity @auth',
    `@auth on Entity: ${onlyObjects}`,
  ],
  ['a union', 'type A { a: ID } union Any @auth = A', `@auth on Any: ${onlyObjects}`],
  [
    'an argument',
    'extend type Query { secret(of: ID @auth): String }',
    `@auth on Query.secret.of: ${onlyObjects}`,
  ],
  ["an input's field", 'input In { a: ID @auth }', `@auth on In.a: ${onlyObjects}`],
  ["an enum's value", 'enum Side { LEFT @auth }', `@auth on Side.LEFT: ${onlyObjects}`],
  ['a scalar', 'scalar Money @auth', `@auth on Money: ${onlyObjects}`],
  ['the schema', 'extend schema @auth', `@auth on schema: ${onlyObjects}`],
]

const malformed: [string, string, string][] = [
  [
    'an unknown argument',
    field('@auth(role: "admin")'),
    '@auth on Query.secret: there is no argument "role".',
  ],
  [
    'an unknown argument on a type',
    'type Vault @auth(scope: "gold") { gold: ID }',
    '@auth on Vault: there is no argument "scope".',
  ],
  [
    'roles that are no texts',
    field('@auth(roles: [ADMIN])'),
    '@auth on Query.secret: Argument "roles" has invalid value [ADMIN].',
  ],
  [
    'scopes that are no texts',
    field('@auth(scopes: [[1]])'),
    '@auth on Query.secret: Argument "scopes" has invalid value [[1]].',
  ],
  [
    'a maxAge that is no number',
    field('@auth(maxAge: "60")'),
    '@auth on Query.secret: Argument "maxAge" has invalid value "60".',
  ],
  [
    'a maxAge that is no whole number',
    'type Vault @auth(maxAge: 0.5) { gold: ID }',
    '@auth on Vault: Argument "maxAge" has invalid value 0.5.',
  ],
  [
    'a maxAge of nothing',
    field('@auth(maxAge: 0)'),
    '@auth on Query.secret: "maxAge" must be at least 1 second.',
  ],
  [
    'a maxAge below nothing',
    field('@auth(maxAge: -60)'),
    '@auth on Query.secret: "maxAge" must be at least 1 second.',
  ],
  ['no roles', field('@auth(roles: [])'), '@auth on Query.secret: "roles" is empty, so nobody could pass.'],
  [
    'no scopes',
    field('@auth(scopes: [])'),
    '@auth on Query.secret: "scopes" is empty, so nobody could pass.',
  ],
  [
    'no scopes in one of the lists',
    field('@auth(scopes: [["read"], []])'),
    '@auth on Query.secret: "scopes" has an empty inner list, so everybody would pass.',
  ],
  ['roles of null', field('@auth(roles: null)'), '@auth on Query.secret: "roles" is null.'],
  ['scopes of null', 'type Vault @auth(scopes: null) { gold: ID }', '@auth on Vault: "scopes" is null.'],
  ['a maxAge of null', field('@auth(maxAge: null)'), '@auth on Query.secret: "maxAge" is null.'],
  [
    'a mfa that is a text',
    field('@auth(mfa: "yes")'),
    '@auth on Query.secret: Argument "mfa" has invalid value "yes".',
  ],
  [
    'a mfa that is a number',
    'type Vault @auth(mfa: 1) { gold: ID }',
    '@auth on Vault: Argument "mfa" has invalid value 1.',
  ],
  ['a mfa of null', field('@auth(mfa: null)'), '@auth on Query.secret: "mfa" is null.'],
]

/** A schema of somebody else's, with an @auth of its own. */
const foreign: [string, string, string][] = [
  [
    'roles of another type',
    'enum Role { ADMIN } directive @auth(roles: [Role!]) on FIELD_DEFINITION',
    `directive @auth(roles: [Role!]): Annul knows roles as [String!].${otherwise}`,
  ],
  [
    'scopes of another shape',
    'directive @auth(scopes: [String!]) on FIELD_DEFINITION',
    `directive @auth(scopes: [String!]): Annul knows scopes as [[String!]!].${otherwise}`,
  ],
  [
    'a maxAge of another type',
    'directive @auth(maxAge: String) on FIELD_DEFINITION',
    `directive @auth(maxAge: String): Annul knows maxAge as Int.${otherwise}`,
  ],
  [
    'a mfa of another type',
    'directive @auth(mfa: [String!]) on FIELD_DEFINITION',
    `directive @auth(mfa: [String!]): Annul knows mfa as Boolean.${otherwise}`,
  ],
  [
    'an argument that Annul does not know',
    'directive @auth(requires: String) on FIELD_DEFINITION',
    `directive @auth(requires: String): Annul knows requires as no argument.${otherwise}`,
  ],
  [
    'no @auth at all',
    'directive @guard on FIELD_DEFINITION',
    'The schema has no directive @auth, and no extensions.auth: it guards nothing.',
  ],
]

describe('a schema is refused, with the place,', () => {
  it.each(misplaced)('for @auth on %s', (_, typeDefs, message) => {
    expect(refusalOf(() => buildSchema({ typeDefs }))).toBe(message)
  })

  it.each(malformed)('for @auth with %s', (_, typeDefs, message) => {
    expect(refusalOf(() => buildSchema({ typeDefs }))).toBe(message)
  })

  it.each(foreign)('for another directive with %s', (_, sdl, message) => {
    expect(refusalOf(() => guardSchema(buildPlain(`${sdl} type Query { secret: String }`)))).toBe(message)
  })

  it("for an interface that graphql's own check of the SDL was told to skip", () => {
    const sdl = 'directive @auth on OBJECT interface Entity @auth { id: ID } type Query { node: Entity }'
    const schema = buildPlain(sdl, { assumeValidSDL: true })
    expect(refusalOf(() => guardSchema(schema))).toBe(`@auth on Entity: ${noInterface}`)
  })

  it('for an app that declares @auth once more with other arguments', () => {
    const typeDefs = `directive @auth(groups: [String!]) on FIELD_DEFINITION ${field('@auth(groups: ["a"])')}`
    expect(refusalOf(() => buildSchema({ typeDefs }))).toBe(
      "@auth: this name is Annul's own, and can't be declared once more. Leave the declaration out to use Annul's. " +
        "To have both, give Annul's another name, by an option of createAuth: rename: { directive: 'requires' }",
    )
  })

  it.each([
    ['@Auth', 'Unknown directive "@Auth".'],
    ['@authenticated', 'Unknown directive "@authenticated".'],
    ['@auth @auth', 'The directive "@auth" can only be used once at this location.'],
  ])('for a guard that is misspelt or doubled: %s', (guard, message) => {
    expect(() => buildSchema({ typeDefs: field(guard) })).toThrow(message)
  })
})

describe('a node', () => {
  it('does not start with such a schema', async () => {
    const typeDefs = field('@auth(roles: [])')
    const starting = startTestServer({ extension: { typeDefs } })
    await expect(starting).rejects.toThrow(
      new SchemaError('@auth on Query.secret: "roles" is empty, so nobody could pass.'),
    )
  })

  it('refuses resolvers that no field of the schema has', () => {
    const resolvers = { Query: { sekret: () => 'secret' } }
    expect(() => buildSchema({ typeDefs: field('@auth'), resolvers })).toThrow('Query.sekret')
  })
})
