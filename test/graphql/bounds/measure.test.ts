import { describe, expect, it } from '@jest/globals'
import { buildSchema, getIntrospectionQuery, parse } from 'graphql'
import { measure } from '../../../src/graphql/bounds/measure.ts'

/* A document is measured in one walk: each selection is looked at once, however often its fragment is spread. */

const schema = buildSchema(`
  type Query { tree: Tree node: Node }
  type Mutation { login: Int }
  interface Node { list(first: Int = 7): [Node!] }
  type Tree implements Node { tree: Tree list(first: Int = 7, last: Float): [Node!] any(first: Any): Tree leaf: Int }
  scalar Any
`)

const measured = (text: string, variables: Record<string, unknown> = {}) =>
  measure(parse(text), { schema, variables, isCredential: field => field === 'login' })
const only = (text: string, variables?: Record<string, unknown>) => measured(text, variables).operations[0]

const count = (text: string) => text.match(/\.\.\.|\b(?:tree|node|list|any|leaf|login)\b/g)?.length
const times = (many: number, unit: (at: number) => string) =>
  Array.from({ length: many }, (_, at) => unit(at)).join(' ')

const attacks: [string, string][] = [
  [
    'a fragment that is spread 1,000 times',
    `{ tree { ${'...F '.repeat(1000)} } } fragment F on Tree { leaf list { list { list } } }`,
  ],
  [
    'fragments of fragments, each spread twice',
    `{ tree { ...F0 } } ${times(200, at => `fragment F${at} on Tree { tree { ...F${at + 1} } tree { ...F${at + 1} } }`)}
      fragment F200 on Tree { leaf }`,
  ],
  ['a fragment that contains itself', '{ tree { ...F } } fragment F on Tree { tree { ...F ...F } }'],
  [
    'fragments in a circle',
    '{ tree { ...A } } fragment A on Tree { tree { ...B ...B } } fragment B on Tree { tree { ...A ...A } }',
  ],
  [
    'many operations with many fragments',
    `${times(100, at => `query Q${at}($n${at}: Int = 3) { tree { ...F } }`)} fragment F on Tree { list(first: $n0) { ${'...G '.repeat(50)} } }
      fragment G on Node { ${'list '.repeat(50)} }`,
  ],
  ['inline fragments in inline fragments', `{ ${'... { '.repeat(90)} tree { leaf } ${'}'.repeat(90)} }`],
]

describe('A walk is as long as the document:', () => {
  it.each(attacks)('%s', (_, text) => {
    expect(measured(text).visits).toBeLessThanOrEqual(Number(count(text)))
    expect(measured(text).visits).toBeGreaterThan(0)
  })

  it('twice the document is twice the walk', () => {
    const document = (size: number) =>
      `{ tree { ${'...F '.repeat(size)} } } fragment F on Tree { ${'...G '.repeat(size)} } fragment G on Tree { ${'leaf '.repeat(size)} }`
    const [one, two] = [measured(document(100)).visits, measured(document(200)).visits]
    expect([one, two]).toEqual([301, 601].map(visits => visits + 0))
  })
})

describe('A fragment counts wherever it is spread:', () => {
  it('depth, aliases, directives and cost', () => {
    const text = `{ tree { ...F a: tree { ...F } } }
      fragment F on Tree { tree { b: leaf @include(if: true) } ... @skip(if: false) { leaf } }`
    expect(only(text)).toMatchObject({ depth: 4, aliases: 3, directives: 4, cost: 8 })
  })

  it('the fields of a mutation and its credentials', () => {
    const text =
      'mutation { login ...F ... { x: login } } fragment F on Mutation { y: login z: login __typename }'
    expect(only(text)).toMatchObject({ fields: 5, credentials: 4 })
  })

  it('a cost beyond all numbers stays beyond all bounds', () => {
    const text = `{ tree { ...F0 } } ${times(120, at => `fragment F${at} on Tree { any(first: 1000000000) { ...F${at + 1} ...F${at + 1} } }`)}
      fragment F120 on Tree { leaf }`
    expect(only(text)?.cost).toBeGreaterThan(Number.MAX_SAFE_INTEGER)
    const digits = `{ tree { any(first: ${'9'.repeat(400)}) { ...F } } } fragment F on Tree { ...F }`
    expect(only(digits)?.cost).toBe(2)
  })
})

describe('The length of a list', () => {
  it.each<[string, string, Record<string, unknown> | undefined, number]>([
    ['is the argument', 'query { tree { list(first: 20) { __typename } } }', undefined, 22],
    ['is the larger argument', '{ tree { list(first: 2, last: 20) { __typename } } }', undefined, 22],
    ['is the default of the schema', '{ tree { list { __typename } } }', undefined, 9],
    ['is that of an interface', '{ node { list { __typename } } }', undefined, 9],
    ['is the variable', 'query ($n: Int) { tree { list(first: $n) { __typename } } }', { n: 30 }, 32],
    [
      'is the default of the variable',
      'query ($n: Int = 30) { tree { list(first: $n) { __typename } } }',
      {},
      32,
    ],
    [
      'is that of the schema without a variable',
      'query ($n: Int) { tree { list(first: $n) { __typename } } }',
      {},
      9,
    ],
    ['is a text', 'query ($n: Any) { tree { any(first: $n) { leaf } } }', { n: '30' }, 32],
    ['is no negative number', '{ tree { list(first: -20) { __typename } } }', undefined, 3],
    ['is not zero', '{ tree { list(first: 0) { __typename } } }', undefined, 3],
    ['is no null', 'query ($n: Any) { tree { any(first: $n) { leaf } } }', { n: null }, 3],
    ['is no object', '{ tree { any(first: { first: 20 }) { leaf } } }', undefined, 3],
  ])('%s', (_, text, variables, cost) => {
    expect(only(text, variables)?.cost).toBe(cost)
  })

  it('in a fragment is the largest that any operation means', () => {
    const text = `query A($n: Int = 5) { tree { ...F } } query B($n: Int = 50) { tree { ...F } }
      fragment F on Tree { list(first: $n) { __typename } }`
    expect(measured(text).operations.map(({ cost }) => cost)).toEqual([52, 52])
    expect(measured(text).dependsOnVariables).toBe(true)
  })
})

describe('An introspection', () => {
  it('is counted apart, and a standard one has 15 levels', () => {
    expect(only(getIntrospectionQuery())).toMatchObject({ depth: 0, introspectionDepth: 15 })
    expect(only('{ tree { leaf } __type(name: "A") { fields { name } } }')).toMatchObject({
      depth: 2,
      introspectionDepth: 3,
    })
  })
})

describe('Lists', () => {
  it('are measured in arguments, in directives, in objects and in defaults', () => {
    const long = '[[1] [1 2 3] [1 2]]'
    for (const text of [
      `{ tree { any(first: ${long}) { leaf } } }`,
      `{ tree @a(b: { c: ${long} }) { leaf } }`,
      `query ($a: Any = ${long}) { tree { leaf } }`,
      `{ tree { ...F } } fragment F on Tree @a(b: ${long}) { leaf }`,
    ])
      expect(measured(text).longestList).toBe(3)
  })
})

it('A document need not be valid', () => {
  const text = '{ nothing { at(first: 3) { all } } ...Missing } fragment F on Nowhere { a } mutation { a }'
  expect(measured(text).operations).toMatchObject([{ depth: 3, cost: 5 }, { isMutation: true }])
})
