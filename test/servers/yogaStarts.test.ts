import { makeExecutableSchema } from '@graphql-tools/schema'
import { beforeAll, describe, expect, it } from '@jest/globals'
import { buildSchema, type GraphQLSchema } from 'graphql'
import { createYoga } from 'graphql-yoga'
import type { Auth } from '../../src/auth.ts'
import { annulYoga } from '../../src/servers/yoga.ts'
import { useYogaApp } from './yogaApp.ts'

const app = useYogaApp()

const typeDefs = /* GraphQL */ `
  directive @auth(roles: [String!], scopes: [[String!]!], maxAge: Int, mfa: Boolean) on OBJECT | FIELD_DEFINITION
  type Query { secret: String @auth news: String }
`
let carriedOut = 0
const unguarded = makeExecutableSchema({
  typeDefs,
  resolvers: { Query: { secret: () => `secret ${++carriedOut}`, news: () => 'It rains.' } },
})
const refusal = /^createYoga has been given a schema whose @auth nobody enforces/

describe('createYoga', () => {
  it('takes a schema of the app’s own that auth.guard has guarded', async () => {
    const yoga = app.make({ schema: app.auth.guard(unguarded) })
    const { status, data } = await app.ask(yoga, '{ news secret }')
    expect({ status, data }).toEqual({ status: 200, data: { news: 'It rains.', secret: null } })
  })

  it('refuses to start with a schema that nobody has guarded', () => {
    expect(() => app.make({ schema: unguarded })).toThrow(refusal)
    expect(() => app.make({ schema: buildSchema('type Query { news: String }') })).toThrow(refusal)
  })

  it.each<[string, () => Promise<GraphQLSchema> | (() => GraphQLSchema)]>([
    ['comes later', async () => unguarded],
    ['is made for each request', () => () => unguarded],
  ])('carries out nothing with such a schema that %s', async (_name, schema) => {
    const yoga = app.make({ schema: schema() })
    for (let time = 0; time < 2; time++) {
      app.server.errors.length = 0
      const { status, text } = await app.ask(yoga, '{ secret news }')
      expect(status).toBe(500)
      expect(text).not.toMatch(/secret \d|It rains/)
      expect(app.server.errors).toEqual([
        expect.objectContaining({
          err: expect.objectContaining({ message: expect.stringMatching(refusal) }),
        }),
      ])
    }
    expect(carriedOut).toBe(0)
  })

  it('carries out nothing with a schema that another plugin puts in place of the guarded one', async () => {
    const swaps = {
      onSchemaChange({ schema, replaceSchema }: { schema: unknown; replaceSchema(schema: unknown): void }) {
        if (schema !== unguarded) replaceSchema(unguarded)
      },
    }
    expect(() => app.make({ plugins: [annulYoga(app.auth), swaps] })).toThrow(refusal)
  })

  it.each(['5.23.9', '6.0.0', '4.0.5'])('of version %s is refused', version => {
    const start = () => annulYoga(app.auth).onYogaInit?.({ yoga: { version } as never })
    expect(start).toThrow(
      `annulYoga needs GraphQL Yoga 5.24 or a later version of 5, and this is ${version}.`,
    )
  })

  it('refuses to start with two of the plugin', () => {
    expect(() => app.make({ plugins: [annulYoga(app.auth), annulYoga(app.auth)] })).toThrow(
      'createYoga has been given annulYoga twice.',
    )
  })
})

describe('annulYoga', () => {
  let auth: Auth
  beforeAll(() => {
    auth = app.auth
  })

  it.each([undefined, null, {}, 'auth'])('refuses %p in place of an auth', value => {
    expect(() => createYoga({ plugins: [annulYoga(value as unknown as Auth)] })).toThrow(
      new TypeError('"auth" must be what createAuth has returned.'),
    )
  })

  it.each([
    [{ adressOf: () => undefined }, 'annulYoga has no option "adressOf". The nearest name is "addressOf".'],
    [{ addressOf: '127.0.0.1' }, 'The option "addressOf" must be a function, not string.'],
    [null, 'annulYoga takes an object with options.'],
  ])('refuses the options %p', (options, message) => {
    expect(() => annulYoga(auth, options as object)).toThrow(new TypeError(message))
  })
})
