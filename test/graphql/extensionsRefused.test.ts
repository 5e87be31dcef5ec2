import { describe, expect, it } from '@jest/globals'
import {
  buildSchema as buildPlain,
  GraphQLDirective,
  GraphQLEnumType,
  GraphQLInputObjectType,
  GraphQLInterfaceType,
  GraphQLObjectType,
  GraphQLScalarType,
  GraphQLSchema,
  type GraphQLSchemaConfig,
  GraphQLString,
  GraphQLUnionType,
} from 'graphql'
import { guardSchema } from '../../src/graphql/directive.ts'
import { readGuards } from '../../src/graphql/guards.ts'
import { otherwise, refusalOf } from '../support/schemaRefusal.ts'

/* `extensions.auth` that could not be enforced: the schema is not built, and the error says where. */

function queryWith(auth: unknown, rest: Partial<GraphQLSchemaConfig> = {}): GraphQLSchema {
  const secret = { type: GraphQLString, extensions: { auth } }
  return new GraphQLSchema({ query: new GraphQLObjectType({ name: 'Query', fields: { secret } }), ...rest })
}

class Roles {
  readonly roles = ['admin']
}

const object = 'must be true, or an object such as { roles: ["admin"] }, not'
const malformed: [string, unknown, string][] = [
  ['undefined', undefined, `${object} undefined.`],
  ['null', null, `${object} null.`],
  ['false', false, `${object} false.`],
  ['a text', 'admin', `${object} the text "admin".`],
  ['a number', 1, `${object} a number.`],
  ['a function', () => true, `${object} a function.`],
  ['a list', ['admin'], `${object} a list.`],
  ['a Map, which has no keys of its own', new Map([['roles', ['admin']]]), `${object} an object of a class.`],
  ['an object of a class', new Roles(), `${object} an object of a class.`],
  [
    'an object that inherits its roles',
    Object.create({ roles: ['admin'] }),
    `${object} an object of a class.`,
  ],
  ['an unknown name', { role: ['admin'] }, 'there is no argument "role". The nearest name is "roles".'],
  [
    'an unknown name beside a known one',
    { roles: ['admin'], maxage: 60 },
    'there is no argument "maxage". The nearest name is "maxAge".',
  ],
  [
    'a hidden name',
    Object.defineProperty({}, 'rules', { value: ['admin'] }),
    'there is no argument "rules". The nearest name is "roles".',
  ],
  ['roles that are a text', { roles: 'admin' }, '"roles" is a text: write ["admin"].'],
  ['roles that are undefined', { roles: undefined }, '"roles" is undefined.'],
  ['roles that are null', { roles: null }, '"roles" is null.'],
  [
    'roles that are no list',
    { roles: { admin: true } },
    '"roles" must be a list of texts, such as ["admin"].',
  ],
  [
    'roles that are a Set',
    { roles: new Set(['admin']) },
    '"roles" must be a list of texts, such as ["admin"].',
  ],
  ['a role that is no text', { roles: ['a', 1] }, '"roles" must be a list of texts, such as ["admin"].'],
  ['a role that is a hole', { roles: new Array(1) }, '"roles" must be a list of texts, such as ["admin"].'],
  ['no roles', { roles: [] }, '"roles" is empty, so nobody could pass.'],
  ['scopes that are a text', { scopes: 'read' }, '"scopes" is a text: write [["read"]].'],
  [
    'scopes of one level',
    { scopes: ['read', 'write'] },
    '"scopes" is a list of texts: write [["read", "write"]] where all are needed, ' +
      'and [["read"], ["write"]] where one is enough.',
  ],
  [
    'scopes of two kinds',
    { scopes: [['read'], 'write'] },
    '"scopes" must be a list of lists of texts, such as [["read"]].',
  ],
  [
    'scopes with a hole',
    { scopes: [['read'], ...new Array(1)] },
    '"scopes" must be a list of lists of texts, such as [["read"]].',
  ],
  [
    'scopes that are no list',
    { scopes: 5 },
    '"scopes" must be a list of lists of texts, such as [["read"]].',
  ],
  ['no scopes', { scopes: [] }, '"scopes" is empty, so nobody could pass.'],
  [
    'an empty list among the scopes',
    { scopes: [['read'], []] },
    '"scopes" has an empty inner list, so everybody would pass.',
  ],
  ['a maxAge that is a text', { maxAge: '60' }, '"maxAge" must be a whole number of seconds, such as 300.'],
  ['a maxAge of a half', { maxAge: 0.5 }, '"maxAge" must be a whole number of seconds, such as 300.'],
  [
    'a maxAge that is NaN',
    { maxAge: Number.NaN },
    '"maxAge" must be a whole number of seconds, such as 300.',
  ],
  [
    'a maxAge without end',
    { maxAge: Number.POSITIVE_INFINITY },
    '"maxAge" must be a whole number of seconds, such as 300.',
  ],
  ['a maxAge of nothing', { maxAge: 0 }, '"maxAge" must be at least 1 second.'],
  ['a maxAge that is undefined', { maxAge: undefined }, '"maxAge" is undefined.'],
  ['a mfa that is a text', { mfa: 'yes' }, '"mfa" must be true or false.'],
  ['a mfa that is a number', { mfa: 1 }, '"mfa" must be true or false.'],
  ['a mfa that is a list', { mfa: [true] }, '"mfa" must be true or false.'],
  ['a mfa that is null', { mfa: null }, '"mfa" is null.'],
  ['a mfa that is undefined', { mfa: undefined }, '"mfa" is undefined.'],
  ['a mfa in capitals', { MFA: true }, 'there is no argument "MFA". The nearest name is "mfa".'],
]

const extensions = { auth: { roles: ['admin'] } }
const onlyObjects = 'only an object type or a field of one can be guarded.'
const noInterface = "an interface can't be guarded. Put it on the types that implement it."
const ofOne = { one: { type: GraphQLString } }
const one = new GraphQLObjectType({ name: 'One', fields: ofOne })

const misplaced: [string, Partial<GraphQLSchemaConfig>, string][] = [
  [
    'an interface',
    { types: [new GraphQLInterfaceType({ name: 'Node', extensions, fields: ofOne })] },
    `Node: ${noInterface}`,
  ],
  [
    "an interface's field",
    {
      types: [
        new GraphQLInterfaceType({ name: 'Node', fields: { one: { type: GraphQLString, extensions } } }),
      ],
    },
    `Node.one: ${noInterface}`,
  ],
  [
    "an argument of an interface's field",
    {
      types: [
        new GraphQLInterfaceType({
          name: 'Node',
          fields: { one: { type: GraphQLString, args: { of: { type: GraphQLString, extensions } } } },
        }),
      ],
    },
    `Node.one.of: ${onlyObjects}`,
  ],
  [
    "an argument of an object's field",
    {
      types: [
        new GraphQLObjectType({
          name: 'Box',
          fields: { one: { type: GraphQLString, args: { of: { type: GraphQLString, extensions } } } },
        }),
      ],
    },
    `Box.one.of: ${onlyObjects}`,
  ],
  [
    'an input',
    { types: [new GraphQLInputObjectType({ name: 'In', extensions, fields: ofOne })] },
    `In: ${onlyObjects}`,
  ],
  [
    "an input's field",
    {
      types: [
        new GraphQLInputObjectType({ name: 'In', fields: { one: { type: GraphQLString, extensions } } }),
      ],
    },
    `In.one: ${onlyObjects}`,
  ],
  [
    'an enum',
    { types: [new GraphQLEnumType({ name: 'Side', extensions, values: { LEFT: {} } })] },
    `Side: ${onlyObjects}`,
  ],
  [
    "an enum's value",
    { types: [new GraphQLEnumType({ name: 'Side', values: { LEFT: { extensions } } })] },
    `Side.LEFT: ${onlyObjects}`,
  ],
  ['a scalar', { types: [new GraphQLScalarType({ name: 'Money', extensions })] }, `Money: ${onlyObjects}`],
  [
    'a union',
    { types: [new GraphQLUnionType({ name: 'Any', extensions, types: [one] })] },
    `Any: ${onlyObjects}`,
  ],
  ['the schema', { extensions }, `schema: ${onlyObjects}`],
  [
    'a directive',
    { directives: [new GraphQLDirective({ name: 'cached', locations: [], extensions })] },
    `@cached: ${onlyObjects}`,
  ],
  [
    "a directive's argument",
    {
      directives: [
        new GraphQLDirective({
          name: 'cached',
          locations: [],
          args: { of: { type: GraphQLString, extensions } },
        }),
      ],
    },
    `@cached.of: ${onlyObjects}`,
  ],
]

describe('a schema is refused, with the place,', () => {
  it.each(malformed)('for extensions.auth with %s', (_, auth, message) => {
    expect(refusalOf(() => guardSchema(queryWith(auth)))).toBe(`extensions.auth on Query.secret: ${message}`)
  })

  it.each(malformed)('for the same on a type: %s', (_, auth, message) => {
    const box = new GraphQLObjectType({ name: 'Box', extensions: { auth }, fields: ofOne })
    expect(refusalOf(() => guardSchema(queryWith(true, { types: [box] })))).toBe(
      `extensions.auth on Box: ${message}`,
    )
  })

  it.each(misplaced)('for extensions.auth on %s', (_, rest, message) => {
    expect(refusalOf(() => guardSchema(queryWith(true, rest)))).toBe(`extensions.auth on ${message}`)
  })

  it('for arguments of @auth that another tool has put into the extensions, and nothing has checked', () => {
    const secret = { type: GraphQLString, extensions: { directives: { auth: { roles: 'admin' } } } }
    const schema = new GraphQLSchema({ query: new GraphQLObjectType({ name: 'Query', fields: { secret } }) })
    expect(refusalOf(() => guardSchema(schema))).toBe(
      '@auth on Query.secret: "roles" is a text: write ["admin"].',
    )
  })

  it('for a foreign @auth, also beside guards in the extensions', () => {
    const directives = [
      new GraphQLDirective({ name: 'auth', locations: [], args: { requires: { type: GraphQLString } } }),
    ]
    expect(refusalOf(() => guardSchema(queryWith(true, { directives })))).toBe(
      `directive @auth(requires: String): Annul knows requires as no argument.${otherwise}`,
    )
  })

  it('for members that are guarded differently in code', () => {
    const member = (name: string, rest: object) =>
      new GraphQLObjectType({ name, fields: ofOne, isTypeOf: () => true, ...rest })
    const any = new GraphQLUnionType({ name: 'Any', types: [member('A', { extensions }), member('B', {})] })
    const query = new GraphQLObjectType({ name: 'Query', fields: { any: { type: any } } })
    expect(refusalOf(() => guardSchema(new GraphQLSchema({ query })))).toBe(
      'Query.any returns Any, whose members are guarded differently: A (@auth(roles: ["admin"])), B (not at all). ' +
        'Put @auth on the field.',
    )
  })
})

describe('what is read from extensions.auth', () => {
  it.each([
    ['true', true, {}],
    ['no arguments', {}, {}],
    ['an object without a prototype', Object.assign(Object.create(null), { maxAge: 5 }), { maxAge: 5 }],
    // As good as `true`: what is written for all fields alike may say false for one of them.
    ['a mfa of false', { mfa: false }, { mfa: false }],
    [
      'all of them',
      { roles: ['a', 'b'], scopes: [['r', 'w'], ['x']], maxAge: 60, mfa: true },
      { roles: ['a', 'b'], scopes: [['r', 'w'], ['x']], maxAge: 60, mfa: true },
    ],
  ])('is %s', (_, auth, requirement) => {
    expect(readGuards(queryWith(auth)).get('Query.secret')).toEqual([requirement])
  })

  it('is a copy, so that a change of the list later changes no guard', () => {
    const auth = { roles: ['admin'], scopes: [['read']] }
    const guards = readGuards(queryWith(auth))
    auth.roles.push('user')
    auth.scopes[0]?.pop()
    expect(guards.get('Query.secret')).toEqual([{ roles: ['admin'], scopes: [['read']] }])
  })

  it('holds beside the directive on the same place', () => {
    const schema = buildPlain(`
      directive @auth(roles: [String!], scopes: [[String!]!], maxAge: Int, mfa: Boolean) on OBJECT | FIELD_DEFINITION
      type Query { secret: String @auth(roles: ["editor"]) }`)
    const field = schema.getQueryType()?.getFields().secret
    Object.assign(field?.extensions ?? {}, { auth: { scopes: [['read']] } })
    expect(readGuards(schema).get('Query.secret')).toEqual([{ roles: ['editor'] }, { scopes: [['read']] }])
  })

  it('is the guard of @auth where the schema uses it without declaring it', () => {
    const sdl = 'type Query { secret: String @auth(roles: ["editor"], maxAge: 60) }'
    const schema = buildPlain(sdl, { assumeValidSDL: true })
    expect(readGuards(schema).get('Query.secret')).toEqual([{ roles: ['editor'], maxAge: 60 }])
  })
})
