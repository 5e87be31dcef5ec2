/* Operations beyond each bound, and the largest within it, on the schema of the contract's app. */

export interface BoundedOperation {
  readonly query: string
  readonly variables?: Record<string, unknown>
}

const times = (count: number, unit: (at: number) => string) =>
  Array.from({ length: count }, (_, at) => unit(at)).join(' ')
const nested = (levels: number, middle: string) =>
  `${'{ tree '.repeat(levels)}${middle}${' }'.repeat(levels)}`
const chain = (levels: number, innermost: string) =>
  `${times(levels, at => `fragment F${at} on Tree { tree { ...F${at + 1} } }`)} fragment F${levels} on Tree { ${innermost} }`
/** Each fragment spreads the next one twice: the text is short, and written out it would be 2^levels as long. */
const doubling = (levels: number, innermost: string) =>
  `${times(levels, at => `fragment F${at} on Tree { a: tree { ...F${at + 1} } tree { ...F${at + 1} } }`)}
   fragment F${levels} on Tree { ${innermost} }`
const login = 'login(input: { email: "nobody@example.com", password: "a wrong password" }) { expiresIn }'
const list = (length: number) => JSON.stringify(Array.from({ length }, () => ['a']))

/** By the code of the refusal. */
export const beyondBounds: Readonly<Record<string, Readonly<Record<string, BoundedOperation>>>> = {
  TOO_MANY_TOKENS: { '2,001 tokens': { query: `{ ${'news '.repeat(1999)} }` } },
  OPERATION_TOO_DEEP: {
    '11 levels': { query: nested(10, '{ leaf }') },
    '11 levels, some in inline fragments': {
      query: nested(5, `{ ... on Tree ${nested(5, '{ ... { leaf } }')} }`),
    },
    '11 levels, most in fragments': { query: `{ tree { ...F0 } } ${chain(9, 'leaf')}` },
  },
  TOO_MANY_ALIASES: {
    '31 aliases': { query: `{ ${times(31, at => `a${at}: news`)} }` },
    'aliases in a fragment that is spread twice': {
      query: `{ a: tree { ...F } tree { ...F } } fragment F on Tree { ${times(15, at => `a${at}: leaf`)} }`,
    },
    'fragments of fragments, each spread twice': { query: `{ tree { ...F0 } } ${doubling(8, 'leaf')}` },
  },
  TOO_MANY_DIRECTIVES: {
    '51 directives': { query: `{ ${'... @include(if: true) { news } '.repeat(51)} }` },
    'directives in a fragment that is spread 26 times': {
      query: `{ tree { ${'...F '.repeat(26)} } } fragment F on Tree { ... @include(if: true) { leaf @skip(if: false) } }`,
    },
  },
  TOO_MANY_ROOT_FIELDS: {
    '6 root fields of a mutation': { query: `mutation { ${times(6, at => `a${at}: countPublic`)} }` },
    'root fields of a mutation in fragments': {
      query: `mutation { ...A ...B } fragment A on Mutation { ${times(3, at => `a${at}: countPublic`)} }
        fragment B on Mutation { ... { ${times(3, at => `b${at}: countPublic`)} } }`,
    },
  },
  ONE_CREDENTIAL_MUTATION: {
    'two logins': { query: `mutation { a: ${login} b: ${login} }` },
    'two logins, one of them in a fragment': {
      query: `mutation { ${login} ...F } fragment F on Mutation { ... { b: ${login} } }`,
    },
    'two different ones': {
      query: `mutation { ${login} reauthenticate(password: "a wrong password") { expiresIn } }`,
    },
    'two of which one is left out by a directive': {
      query: `mutation { ${login} ... @skip(if: true) { b: ${login} } }`,
    },
  },
  OPERATION_TOO_EXPENSIVE: {
    'a long list': { query: '{ tree { tree(first: 10000) { leaf } } }' },
    'lists in lists': { query: '{ tree { tree(first: 200) { tree(last: 200) { leaf } } } }' },
    'lists in lists, in fragments': {
      query:
        '{ tree { ...F } } fragment F on Tree { tree(first: 200) { ...G } } fragment G on Tree { tree(first: 200) { leaf } }',
    },
    'a length in a variable': {
      query: 'query ($n: Int) { tree { tree(first: $n) { leaf } } }',
      variables: { n: 10_000 },
    },
    'a length in the default of a variable': {
      query: 'query ($n: Int = 10000) { tree { tree(first: $n) { leaf } } }',
    },
    'a length in the schema': { query: '{ tree { pages { tree(first: 400) { leaf } } } }' },
  },
  LIST_TOO_LONG: {
    '1,001 items in a variable': {
      query: 'query ($ids: [[ID!]!]) { tree { tree(ids: $ids) { leaf } } }',
      variables: { ids: JSON.parse(list(1001)) },
    },
    '1,001 items in a list in a variable': {
      query: 'query ($ids: [[ID!]!]) { tree { tree(ids: $ids) { leaf } } }',
      variables: { ids: [JSON.parse(list(1001)).flat()] },
    },
    '1,001 items in an argument': { query: `{ tree { tree(ids: [[${'1 '.repeat(1001)}]]) { leaf } } }` },
    '1,001 items in a default': {
      query: `query ($ids: [[ID!]!] = [[${'1 '.repeat(1001)}]]) { tree { tree(ids: $ids) { leaf } } }`,
    },
  },
}

/** Each is as large as a bound allows. */
export const withinBounds: Readonly<Record<string, BoundedOperation>> = {
  '2,000 tokens': {
    query: `{ tree { a: tree(ids: [[${'1 '.repeat(1000)}]]) { leaf } b: tree(ids: [[${'1 '.repeat(967)}]]) { leaf } } }`,
  },
  '10 levels': { query: nested(9, '{ leaf }') },
  '30 aliases': { query: `{ ${times(30, at => `a${at}: news`)} }` },
  '50 directives': { query: `{ ${'... @include(if: true) { news } '.repeat(50)} }` },
  '10,000 values': { query: '{ tree { tree(first: 9998) { leaf } } }' },
  '1,000 items': {
    query: 'query ($ids: [[ID!]!]) { tree { tree(ids: $ids) { leaf } } }',
    variables: { ids: JSON.parse(list(1000)) },
  },
}
/** These are mutations, which sockets do not carry. */
export const mutationsWithinBounds: Readonly<Record<string, BoundedOperation>> = {
  '5 root fields of a mutation': { query: `mutation { ${times(5, at => `a${at}: countPublic`)} }` },
  'one credential beside others': { query: `mutation { ${login} ${times(4, at => `a${at}: countPublic`)} }` },
}
