import { printSchemaWithDirectives } from '@graphql-tools/utils'
import { describe, expect, it } from '@jest/globals'
import { readSdl } from '../../src/graphql/readSdl.ts'
import { SchemaError } from '../../src/graphql/requirements.ts'
import { reviewGuards } from '../../src/graphql/reviewGuards.ts'
import { buildSchema } from '../../src/graphql/schema.ts'

/** The end of the message about somebody else's @auth. */
const otherwise = " To keep that directive, call Annul's otherwise: rename: { directive: 'requires' }"

/* Files of SDL, as `annul guards` reads them. */

function review(texts: readonly string[], directive = 'auth') {
  const files = texts.map((text, at) => ({ name: `${at}.graphql`, text }))
  return reviewGuards(readSdl(files, directive))
}
const guardsOf = (...given: Parameters<typeof review>) =>
  Object.fromEntries(review(...given).map(({ field, guard }) => [field, guard]))

describe('SDL that is read for its guards', () => {
  it('may be several files, a schema without Annul’s part, and use directives of federation', () => {
    const types = 'extend schema @link(url: "x") type Book @key(fields: "id") @auth { id: ID! title: String }'
    const root = 'type Query { book: Book books: Int } type Mutation { write: Book }'
    expect(guardsOf([types, root])).toEqual({
      'Book.id': '@auth',
      'Book.title': '@auth',
      'Mutation.write': '@auth',
      'Query.book': '@auth',
      'Query.books': '',
    })
  })

  it.each([
    ['extends a root type', 'extend type Query { a: ID }'],
    ['extends a type of Annul’s', 'type Query { a: ID } extend type User { b: ID }'],
    ['returns a type of Annul’s', 'type Query { a: User }'],
  ])('is merged with Annul’s own where it %s', (_, sdl) => {
    expect(guardsOf([sdl])).toMatchObject({ 'Query.a': '', 'Query.me': '@auth' })
  })

  it('may call the directive otherwise, declared or not, beside a foreign @auth', () => {
    const own = 'extend type Query { a: ID @requires } extend type Mutation { b: ID @requires(roles: ["x"]) }'
    const merged = review([own], 'requires')
    expect(merged).toContainEqual(expect.objectContaining({ field: 'Query.me', guard: '@requires' }))
    const schema = buildSchema({ typeDefs: own }, { rename: { directive: 'requires' } })
    const foreign = `directive @auth(group: String) on FIELD_DEFINITION\n${printSchemaWithDirectives(schema)}`
    expect(review([foreign], 'requires')).toEqual(merged)
  })

  it('tells Annul’s own login from an app’s', () => {
    const loginOf = (sdl: string) => review([sdl]).find(({ field }) => field === 'Mutation.login')
    expect(loginOf('extend type Query { a: ID }')).toMatchObject({ isAction: true, isOpenByDesign: true })
    const own = 'type Query { a: ID } type Mutation { login(name: String): Boolean }'
    expect(loginOf(own)).toMatchObject({ isAction: true, isOpenByDesign: false, isStripped: false })
  })

  it.each([
    [
      'a type that is missing',
      'extend type Query { a: Nothing }',
      'Unknown type "Nothing". Did you mean "String"?',
    ],
    [
      'a guard that could not be enforced',
      'extend type Query { a: ID @auth(roles: []) }',
      '@auth on Query.a: "roles" is empty, so nobody could pass.',
    ],
    [
      'a guard in the wrong place',
      'type Query { a(of: ID @auth): ID }',
      '@auth on Query.a.of: only an object type or a field of one can be guarded.',
    ],
    [
      'a foreign @auth',
      'directive @auth(group: String) on FIELD_DEFINITION type Query { a: ID @auth }',
      `directive @auth(group: String): Annul knows group as no argument.${otherwise}`,
    ],
    [
      'a field of Annul’s that is declared once more',
      'extend type Query { me: User }',
      /^Query\.me: this name is/,
    ],
  ])('is refused for %s', (_, sdl, message) => {
    expect(() => review([sdl])).toThrow(SchemaError)
    expect(() => review([sdl])).toThrow(typeof message === 'string' ? new SchemaError(message) : message)
  })
})
