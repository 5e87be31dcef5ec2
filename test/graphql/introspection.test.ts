import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import {
  buildASTSchema,
  buildClientSchema,
  type GraphQLSchema,
  getIntrospectionQuery,
  type IntrospectionQuery,
  lexicographicSortSchema,
  parse,
  printSchema,
} from 'graphql'
import { root } from '../support/imports.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

/* What a code generator or a gateway sees of a running server. */

const folder = join(root, 'schema')
const contract = readdirSync(folder)
  .map(file => readFileSync(join(folder, file), 'utf8'))
  .join('\n')
/** What Annul's own server has beside it. In no file of schema/, because a subgraph of federation does without. */
const forStitching = `
  extend type Query {
    """
    For a gateway that merges User on its id: the users of these ids, in their order, read by one query. Oneself, or to an
    admin anybody. An id of somebody else gives null, and FORBIDDEN at its index.
    """
    _users("The users' ids." ids: [ID!]!): [User]!
  }
`
const sdl = contract + forStitching
const introspection = getIntrospectionQuery({
  descriptions: true,
  specifiedByUrl: true,
  directiveIsRepeatable: true,
  schemaDescription: true,
  inputValueDeprecation: true,
  oneOf: true,
})

const typeDefs = /* GraphQL */ `
  extend type Query {
    "The same time, in UTC."
    sameTime(at: DateTime!): DateTime
  }
`
const resolvers = { Query: { sameTime: (_: unknown, { at }: { at: Date }) => at } }

let server: TestServer
let extended: TestServer
beforeAll(async () => {
  server = await startTestServer()
  extended = await startTestServer({ extension: { typeDefs, resolvers } })
})
afterAll(async () => {
  await server.close()
  await extended.close()
})

/** Every type, field, argument, default, directive and description, as one text. */
const textOf = (schema: GraphQLSchema) => printSchema(lexicographicSortSchema(schema))

async function servedBy(node: TestServer): Promise<GraphQLSchema> {
  const { data } = await node.send(introspection)
  return buildClientSchema(data as unknown as IntrospectionQuery)
}

describe('introspection', () => {
  it('shows schema/*.graphql and `_users`, no more and no less, with their descriptions', async () => {
    const served = textOf(await servedBy(server))
    expect(served).toBe(textOf(buildASTSchema(parse(sdl))))
    // The comparison sees what it should.
    expect(served).toMatch(/"""\nscalar DateTime\n/)
    expect(served).toMatch(/directive @auth\(\n {2}"""/)
  })

  it("shows an app's own fields beside them", async () => {
    const served = textOf(await servedBy(extended))
    expect(served).toBe(textOf(buildASTSchema(parse(sdl + typeDefs))))
  })
})

describe('DateTime', () => {
  const sameTime = (at: unknown) =>
    extended.send('query ($at: DateTime!) { sameTime(at: $at) }', { variables: { at } })

  it.each([
    ['2026-01-31T23:30:00Z', '2026-01-31T23:30:00.000Z'],
    ['2026-01-31T23:30:00.123Z', '2026-01-31T23:30:00.123Z'],
    ['2026-01-31T23:30:00+01:00', '2026-01-31T22:30:00.000Z'],
  ])('understands %s and answers in UTC', async (sent, answered) => {
    expect((await sameTime(sent)).data).toEqual({ sameTime: answered })
    expect((await extended.send(`{ sameTime(at: "${sent}") }`)).data).toEqual({ sameTime: answered })
  })

  it.each([['2026-01-31'], ['2026-01-31T23:30:00'], ['2026-02-30T00:00:00Z'], ['yesterday'], [1], [null]])(
    'refuses %p',
    async sent => {
      const { code, data } = await sameTime(sent)
      expect({ code, data }).toEqual({ code: 'BAD_USER_INPUT', data: undefined })
    },
  )
})
