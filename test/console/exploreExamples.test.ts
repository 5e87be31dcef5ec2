import { expect, test } from '@jest/globals'
import { buildClientSchema, getIntrospectionQuery, type IntrospectionQuery, parse, validate } from 'graphql'
import { examplesOf } from '../../console/src/explore/examples.ts'
import { useServer } from '../support/server.ts'

const extension = {
  typeDefs: `
    interface Thing { id: ID! }
    type Book implements Thing { id: ID! title: String! pages(from: Int!): [String!] parts: [Book!]! }
    type Film implements Thing { id: ID! minutes: Float }
    union Item = Book | Film
    enum Shelf { HIGH LOW }
    input Wish { title: String! shelf: Shelf! when: DateTime! copies: Int note: String }
    extend type Query {
      items(shelf: Shelf! = LOW, ids: [ID!]!): [Item] @auth
      thing(deep: Boolean!): Thing
      report: String @auth(roles: ["editor"])
    }
    extend type Mutation { wish(input: Wish!, others: [Wish!]): Book @auth(scopes: [["wish"]], maxAge: 60) }`,
  resolvers: {
    Thing: { __resolveType: () => 'Book' },
    Item: { __resolveType: () => 'Book' },
    Query: { items: () => [], thing: () => null, report: () => 'all is well' },
  },
}

const server = useServer({ extension })

async function examples() {
  const { data } = await server.send(getIntrospectionQuery())
  const schema = buildClientSchema(data as unknown as IntrospectionQuery)
  return { schema, list: examplesOf(schema, null) }
}

test('there is an example for every root field, and each fits the schema', async () => {
  const { schema, list } = await examples()
  const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()]
  const fields = roots.flatMap(type =>
    Object.keys(type?.getFields() ?? {}).map(name => `${type?.name}.${name}`),
  )
  expect(list.map(({ coordinate }) => coordinate)).toEqual(fields)
  for (const { query } of list) expect(validate(schema, parse(query))).toEqual([])
})

test('the server carries out each of them, or refuses it for a reason of the contract', async () => {
  const { list } = await examples()
  const refusals = new Map<string, string>()
  for (const { kind, coordinate, query, variables } of list) {
    if (kind === 'subscription') continue
    // An account for each, since some of them end sessions and delete accounts.
    const { accessToken: token } = await server.signUp()
    const { errors = [] } = await server.send(query, { token, variables: JSON.parse(variables || '{}') })
    for (const { message, extensions } of errors) refusals.set(`${coordinate}: ${message}`, extensions.code)
  }
  const known = ['FORBIDDEN', 'BAD_USER_INPUT', 'INVALID_CREDENTIALS', 'INVALID_REFRESH_TOKEN', 'NOT_FOUND']
  expect([...refusals].filter(([, code]) => !known.includes(code))).toEqual([])
})

test('an example gives what must be given, declares what may be, and asks for no secret', async () => {
  const { list } = await examples()
  const find = (coordinate: string) => list.find(each => each.coordinate === coordinate)
  expect(find('Mutation.wish')).toEqual({
    kind: 'mutation',
    field: 'wish',
    coordinate: 'Mutation.wish',
    query:
      'mutation Wish($input: Wish!, $others: [Wish!]) {\n  wish(input: $input, others: $others) {\n    id\n    title\n  }\n}\n',
    variables: JSON.stringify(
      { input: { title: '', shelf: 'HIGH', when: '1970-01-01T00:00:00.000Z' } },
      null,
      2,
    ),
  })
  expect(find('Query.items')?.query).toContain('$shelf: Shelf! = LOW, $ids: [ID!]!')
  expect(find('Query.items')?.query).toContain('__typename')
  expect(find('Query.users')?.query).toContain('hasNextPage')
  for (const { query } of list) expect(query).not.toMatch(/^\s*refreshToken$/m)
  // An id of nobody: whoever runs an example as it is blocks and deletes no one.
  expect(find('Mutation.deleteUser')?.variables).toContain('00000000-0000-0000-0000-000000000000')
})
