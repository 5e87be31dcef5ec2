import { makeExecutableSchema } from '@graphql-tools/schema'
import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { graphql } from 'graphql'
import { guardSchema } from '../../src/graphql/directive.ts'
import type { Verifier } from '../../src/verify/index.ts'
import { onPostgres } from '../support/database.ts'
import { type Forge, openForge } from '../support/forge.ts'
import { type TestServer, useServer } from '../support/server.ts'
import { until } from '../support/until.ts'
import { useVerifier } from '../support/verifier.ts'

/*
 * What `@auth` with `mfa` asks of whom. A row is a field, and what a sender gets whose token has the field's roles and
 * scopes: "yes" is an answer of its resolver, a number the wanted age of the proof (REAUTHENTICATION_REQUIRED), "mfa" a
 * wanted second factor, and both together one proof that gives both. The last column is a sender without the roles.
 */
const truth = `
  field     | nobody        | fresh: no amr | pwd     | pwd otp mfa | swk user mfa | old: no amr | pwd     | pwd otp mfa | old, another role
  signedIn  | TOKEN_MISSING | yes           | yes     | yes         | yes          | yes         | yes     | yes         | yes
  noFactor  | TOKEN_MISSING | yes           | yes     | yes         | yes          | yes         | yes     | yes         | yes
  recent    | TOKEN_MISSING | yes           | yes     | yes         | yes          | 300         | 300     | 300         | 300
  strong    | TOKEN_MISSING | mfa           | mfa     | yes         | yes          | mfa         | mfa     | yes         | mfa
  both      | TOKEN_MISSING | 300 mfa       | 300 mfa | yes         | yes          | 300 mfa     | 300 mfa | 300 mfa     | 300 mfa
  editors   | TOKEN_MISSING | mfa           | mfa     | yes         | yes          | mfa         | mfa     | yes         | FORBIDDEN
  all       | TOKEN_MISSING | 300 mfa       | 300 mfa | yes         | yes          | 300 mfa     | 300 mfa | 300 mfa     | FORBIDDEN
  vault     | TOKEN_MISSING | mfa           | mfa     | yes         | yes          | mfa         | mfa     | yes         | mfa
  aged      | TOKEN_MISSING | 300 mfa       | 300 mfa | yes         | yes          | 300 mfa     | 300 mfa | 300 mfa     | 300 mfa
  stricter  | TOKEN_MISSING | 60 mfa        | 60 mfa  | yes         | yes          | 60 mfa      | 60 mfa  | 60 mfa      | 60 mfa
  laxType   | TOKEN_MISSING | 300 mfa       | 300 mfa | yes         | yes          | 300 mfa     | 300 mfa | 300 mfa     | 300 mfa
  laxField  | TOKEN_MISSING | 300 mfa       | 300 mfa | yes         | yes          | 300 mfa     | 300 mfa | 300 mfa     | 300 mfa
  papers    | TOKEN_MISSING | mfa           | mfa     | yes         | yes          | mfa         | mfa     | yes         | mfa
`
const fields = `
  signedIn: ID @auth
  noFactor: ID @auth(mfa: false)
  recent: ID @auth(maxAge: 300)
  strong: ID @auth(mfa: true)
  both: ID @auth(maxAge: 300, mfa: true)
  editors: ID @auth(roles: ["editor"], mfa: true)
  all: ID @auth(roles: ["editor"], scopes: [["read"]], maxAge: 300, mfa: true)
  vault: Vault
  aged: Vault @auth(maxAge: 300)
  stricter: [Strict!] @auth(maxAge: 60)
  laxType: Recent @auth(maxAge: 300, mfa: true)
  laxField: Strict @auth(maxAge: 300)
  papers: [Paper]
`
const types = `
  type Vault @auth(mfa: true) { id: ID! }
  type Recent @auth(maxAge: 300) { id: ID! }
  type Strict @auth(maxAge: 300, mfa: true) { id: ID! }
  interface Paper { id: ID! }
  type Deed implements Paper @auth(mfa: true) { id: ID! }
  type Will implements Paper @auth(mfa: true) { id: ID! }
`
type Row = readonly [field: string, nobody: string, ...others: string[]]
const table = truth
  .trim()
  .split('\n')
  .slice(1)
  .map(line => line.split('|').map(cell => cell.trim()) as unknown as Row)

/** The fields whose resolver was run. */
let run: string[] = []
const answerOf = (field: string): unknown => {
  run.push(field)
  const one = { id: field, __typename: 'Deed' }
  return /^(stricter|papers)$/.test(field) ? [one] : /^(vault|aged|lax)/.test(field) ? one : field
}
const resolversOf = (rows: readonly Row[]) =>
  Object.fromEntries(rows.map(([field]) => [field, () => answerOf(field)]))
const extension = {
  federation: true,
  typeDefs: `
    extend type Query { ${fields} }
    extend type Mutation { ${fields} }
    ${types.replace('type Vault', 'type Vault @key(fields: "id")')}`,
  resolvers: {
    Query: resolversOf(table),
    Mutation: resolversOf(table),
    Vault: { __resolveReference: () => answerOf('vault') },
  },
}
const selectionOf = (field: string) =>
  /^(vault|aged|stricter|lax|papers)/.test(field) ? `${field} { id }` : field

const byView = useServer({ extension })
/** Asks the rows about each request. The embedded database serves a single process. */
const byRows = onPostgres
  ? useServer(() => ({
      extension,
      database: byView.database,
      env: { ...byView.env, ANNUL_REVOCATION: 'strict' },
    }))
  : byView
const byFeed = useVerifier(() => [byView])
const byAsking = useVerifier(() => [byView], { rights: ['introspect'] })
const schema = guardSchema(
  makeExecutableSchema({
    typeDefs: `
      directive @auth(roles: [String!], scopes: [[String!]!], maxAge: Int, mfa: Boolean) on FIELD_DEFINITION | OBJECT
      type Query { ${fields} } type Mutation { ${fields} } ${types}`,
    resolvers: { Query: resolversOf(table), Mutation: resolversOf(table) },
  }),
)

interface Said {
  readonly data?: Readonly<Record<string, unknown>> | null | undefined
  readonly errors?: readonly { readonly extensions?: Readonly<Record<string, unknown>> }[] | undefined
}
type Place = (source: string, token: string | undefined) => Promise<Said>

const ofNode =
  (node: TestServer): Place =>
  (source, token) =>
    node.send(source, token === undefined ? {} : { token })
const ofVerifier =
  (verifier: Verifier, isReady: () => boolean): Place =>
  async (source, token) => {
    await until(isReady)
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
    const answer = await graphql({ schema, source, contextValue: verifier.context({ headers }) })
    return JSON.parse(JSON.stringify(answer))
  }
const places: Record<string, Place> = {
  'a node that decides from memory': ofNode(byView),
  'a node that asks the rows': ofNode(byRows),
  'a verifier that follows a node': ofVerifier(byFeed, () => byFeed.isFresh()),
  'a verifier that asks a node': ofVerifier(byAsking, () => true),
}

let forge: Forge
beforeAll(async () => {
  const account = await byView.signUp()
  await byView.rows(
    sql`update annul.users set roles = '{editor}', scopes = '{read}' where id = ${account.userId}`,
  )
  forge = openForge(byView, (await byView.login(account)).accessToken)
})
beforeEach(() => {
  run = []
})

/** In the order of the columns. */
function tokens(): (string | undefined)[] {
  const old = { auth_time: forge.claims.iat - 301 }
  const amrs = [undefined, ['pwd'], ['pwd', 'otp', 'mfa'], ['swk', 'user', 'mfa']]
  const another = { ...old, amr: ['pwd'], roles: ['chief'], scope: 'write' }
  return [
    undefined,
    ...amrs.map(amr => forge.make({ claims: { amr } })),
    ...amrs.slice(0, 3).map(amr => forge.make({ claims: { ...old, amr } })),
    forge.make({ claims: another }),
  ]
}

/** As a cell of the table says it. Everything that an error tells is checked on the way. */
function cellOf(field: string, { data, errors }: Said): string {
  const value = [data?.[field]].flat()[0]
  if (errors === undefined) return Object(value).id === field || value === field ? 'yes' : 'nothing'
  const { code, reason, ...details } = errors[0]?.extensions ?? {}
  expect(run).not.toContain(field)
  if (code !== 'REAUTHENTICATION_REQUIRED') return String(reason ?? code)
  const { maxAge, mfa, recover, ...more } = details
  expect([recover, more]).toEqual(['REAUTHENTICATE', {}])
  expect([true, undefined]).toContain(mfa)
  return [maxAge, mfa && 'mfa'].filter(part => part !== undefined).join(' ')
}

describe.each(Object.keys(places))('@auth(mfa: true) at %s', where => {
  const place: Place = (source, token) => (places[where] as Place)(source, token)

  it.each(['query', 'mutation'])(
    'says what the table says, of a %s',
    async operation => {
      for (const [field, ...cells] of table) {
        const found: string[] = []
        for (const token of tokens()) {
          run = []
          found.push(cellOf(field, await place(`${operation} { ${selectionOf(field)} }`, token)))
        }
        expect([field, ...found]).toEqual([field, ...cells])
      }
    },
    60_000,
  )

  it('tells a person what to do, and never with whose role', async () => {
    const messageOf = async (field: string, claims: object) => {
      const { errors } = await place(`{ ${field} }`, forge.make({ claims: { ...claims } }))
      return Object(errors?.[0]).message
    }
    expect(await messageOf('strong', { amr: ['pwd'] })).toBe('Please confirm with a second factor first.')
    expect(await messageOf('recent', { auth_time: 1 })).toBe('Please confirm your password first.')
    expect(await messageOf('all', { auth_time: 1 })).toBe('Please confirm with a second factor first.')
  })

  it('believes the word mfa in amr alone, in whatever place', async () => {
    const cells = async (...amrs: string[][]) =>
      Promise.all(
        amrs.map(async amr => cellOf('strong', await place('{ strong }', forge.make({ claims: { amr } })))),
      )
    expect(await cells(['mfa'], ['otp', 'mfa', 'pwd'])).toEqual(['yes', 'yes'])
    run = []
    const others = [
      [],
      ['otp'],
      ['pwd', 'otp'],
      ['hwk', 'user'],
      ['MFA'],
      ['mfa '],
      ['no-mfa'],
      ['m', 'f', 'a'],
    ]
    expect(await cells(...others)).toEqual(others.map(() => 'mfa'))
  })

  it('asks for a factor for a role that the token carries only with one, and for no other role', async () => {
    const withheld = { amr: ['pwd'], roles: ['reader'], mfa_roles: ['editor'] }
    const of = async (field: string, claims: object) =>
      cellOf(field, await place(`{ ${field} }`, forge.make({ claims: { ...claims } })))
    expect(await of('editors', withheld)).toBe('mfa')
    expect(await of('all', withheld)).toBe('300 mfa')
    expect(await of('all', { ...withheld, scope: 'write' })).toBe('FORBIDDEN')
    expect(await of('editors', { ...withheld, mfa_roles: ['chief'] })).toBe('FORBIDDEN')
    expect(await of('editors', { ...withheld, mfa_roles: [] })).toBe('FORBIDDEN')
    // No token says both. Whatever it says, a role that it does not carry opens nothing.
    expect(await of('editors', { ...withheld, amr: ['pwd', 'otp', 'mfa'] })).toBe('mfa')
  })
})

it('Of a guarded type, each object that a gateway looks up is asked for a second factor', async () => {
  const source = '{ _entities(representations: [{ __typename: "Vault", id: "1" }]) { ... on Vault { id } } }'
  const look = async (amr?: string[]) => {
    const { data, errors } = await byView.send(source, { token: forge.make({ claims: { amr } }) })
    return [data, errors?.map(({ extensions }) => extensions)]
  }
  const refused = [
    { _entities: [null] },
    [{ code: 'REAUTHENTICATION_REQUIRED', mfa: true, recover: 'REAUTHENTICATE' }],
  ]
  expect(await look(['pwd'])).toEqual(refused)
  expect(await look()).toEqual(refused)
  expect(run).toEqual([])
  expect(await look(['pwd', 'otp', 'mfa'])).toEqual([{ _entities: [{ id: 'vault' }] }, undefined])
})
