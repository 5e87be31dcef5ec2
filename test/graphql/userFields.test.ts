import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { must, type WholeTokens, wholeTokens } from '../support/answers.ts'
import type { Account, Answer, TokensAnswer } from '../support/client.ts'
import { type Device, openAdmin } from '../support/devices.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

/* A User whom an app's field, or a gateway, leads to: of others only the id may be seen. */

const typeDefs = `
  extend type Query {
    anyUser(id: ID!): User
    anyUsers(ids: [ID!]!): [User!]!
    "A user as a gateway sends it: whatever the JSON says."
    sentUser(json: String!): User
  }
`
const resolvers = {
  Query: {
    anyUser: (_: unknown, { id }: { id: string }) => ({ id }),
    anyUsers: (_: unknown, { ids }: { ids: string[] }) => ids.map(id => ({ id })),
    sentUser: (_: unknown, { json }: { json: string }) => JSON.parse(json),
  },
}
const fields = ['email', 'emailVerified', 'roles', 'scopes', 'status', 'createdAt', 'sessions { id current }']
const nameOf = (field: string) => field.split(' ')[0] ?? field
const all = `id ${fields.join(' ')}`
/** All fields but the id, each null. */
const nulls = Object.fromEntries(fields.map(field => [nameOf(field), null]))

let server: TestServer
let admin: Device
let account: Account & TokensAnswer
let other: Account & TokensAnswer
beforeAll(async () => {
  server = await startTestServer({ extension: { typeDefs, resolvers } })
  admin = await openAdmin(server)
  account = await server.signUp()
  other = await server.signUp()
})
afterAll(() => server.close())

const ask = (query: string, token?: string) => server.send(query, token === undefined ? {} : { token })
const anyUser = (id: string, token?: string) => ask(`{ anyUser(id: "${id}") { ${all} } }`, token)

/** Path and what stands beside it, of each error. */
const errorsOf = ({ errors = [] }: Answer) =>
  errors.map(({ path, extensions }) => ({ path: path?.join('.'), ...extensions }))
const refusedEach = (details: object, at = 'anyUser') =>
  fields.map(field => ({ path: `${at}.${nameOf(field)}`, ...details }))
const forbidden = { code: 'FORBIDDEN', required: { roles: ['admin'] } }

/** The user as the user may see it. */
const seenBy = ({ userId, email, session }: Account & TokensAnswer, current: boolean) => ({
  id: userId,
  email,
  emailVerified: false,
  roles: [],
  scopes: [],
  status: 'ACTIVE',
  createdAt: expect.any(String),
  sessions: [{ id: session.id, current }],
})

describe('the fields of a user', () => {
  it('are the own ones, however the user was found and the id was spelt', async () => {
    const found = await anyUser(account.userId.toUpperCase(), account.accessToken)
    expect(found).toMatchObject({ errors: undefined })
    expect(found.data).toEqual({ anyUser: { ...seenBy(account, true), id: account.userId.toUpperCase() } })
  })

  it("are an admin's", async () => {
    const found = await anyUser(account.userId, admin.accessToken)
    expect(found.errors).toBeUndefined()
    expect(found.data).toEqual({ anyUser: seenBy(account, false) })
  })

  it('are forbidden to others, each by itself, and the id is not (ASVS 5.0 8.2.3)', async () => {
    const found = await anyUser(other.userId, account.accessToken)
    expect(found.status).toBe(200)
    expect(found.data).toEqual({ anyUser: { id: other.userId, ...nulls } })
    expect(errorsOf(found)).toEqual(expect.arrayContaining(refusedEach(forbidden)))
    expect(found.errors).toHaveLength(fields.length)
  })

  it.each(fields)('are forbidden to others where only one is asked for: %s', async field => {
    const query = `{ anyUser(id: "${other.userId}") { ${field} } }`
    const found = await ask(query, account.accessToken)
    expect(found.data).toEqual({ anyUser: { [nameOf(field)]: null } })
    expect(errorsOf(found)).toEqual([{ path: `anyUser.${nameOf(field)}`, ...forbidden }])
  })

  it('do not tell others whether there is such a user', async () => {
    for (const id of [randomUUID(), 'no id'])
      expect(errorsOf(await anyUser(id, account.accessToken))).toEqual(
        expect.arrayContaining(refusedEach(forbidden)),
      )
  })

  it('do not empty a list by one that is forbidden', async () => {
    const ids = [account.userId, other.userId]
    const { data } = await ask(`{ anyUsers(ids: ${JSON.stringify(ids)}) { id email } }`, account.accessToken)
    expect(data).toEqual({
      anyUsers: [
        { id: account.userId, email: account.email },
        { id: other.userId, email: null },
      ],
    })
  })

  it.each([
    ['no token', undefined, { code: 'UNAUTHENTICATED', reason: 'TOKEN_MISSING', recover: 'LOGIN' }],
    ['a bad token', 'stale', { code: 'UNAUTHENTICATED', reason: 'TOKEN_INVALID', recover: 'LOGIN' }],
  ])('need a token: with %s only the id is answered', async (_, token, details) => {
    const found = await anyUser(other.userId, token)
    expect(found.data).toEqual({ anyUser: { id: other.userId, ...nulls } })
    expect(errorsOf(found)).toEqual(expect.arrayContaining(refusedEach(details)))
  })

  it('are NOT_FOUND to an admin where there is no such user', async () => {
    const gone = await server.signUp()
    must(await ask(`mutation { deleteUser(id: "${gone.userId}") }`, admin.accessToken))
    for (const id of [randomUUID(), gone.userId]) {
      const found = await anyUser(id, admin.accessToken)
      expect(found.data).toEqual({ anyUser: { id, ...nulls, sessions: [] } })
      expect(errorsOf(found)).toEqual(expect.arrayContaining(refusedEach({ code: 'NOT_FOUND' }).slice(0, -1)))
    }
    const found = await anyUser('no id', admin.accessToken)
    expect(found.data).toEqual({ anyUser: { id: 'no id', ...nulls } })
    expect(errorsOf(found)).toEqual(expect.arrayContaining(refusedEach({ code: 'NOT_FOUND' })))
  })

  it('are what the database knows, and not what an app or a gateway sent beside the id', async () => {
    const forged = (id: string) =>
      JSON.stringify({
        id,
        ownSessionId: account.session.id,
        roles: ['admin'],
        scopes: ['all'],
        email: 'forged@example.com',
        row: { email: 'forged@example.com', status: 'BLOCKED' },
      })
    const sent = (id: string) =>
      server.send(`query ($json: String!) { sentUser(json: $json) { ${all} } }`, {
        variables: { json: forged(id) },
        token: account.accessToken,
      })
    expect((await sent(account.userId)).data).toEqual({ sentUser: seenBy(account, true) })
    const found = await sent(other.userId)
    expect(found.data).toEqual({ sentUser: { id: other.userId, ...nulls } })
    expect(errorsOf(found)).toEqual(expect.arrayContaining(refusedEach(forbidden, 'sentUser')))
  })
})

describe('the user of tokens that were just issued', () => {
  it('sees all fields, without a token of before and beside one of another user', async () => {
    for (const token of [undefined, 'stale', other.accessToken]) {
      const { email, password } = account
      const answer = await server.send<{ login: WholeTokens }>(
        `mutation ($input: LoginInput!) { login(input: $input) { ${wholeTokens} } }`,
        { variables: { input: { email, password } }, ...(token !== undefined && { token }) },
      )
      expect(answer.errors).toBeUndefined()
      const { user, session } = answer.data?.login ?? {}
      expect(user).toMatchObject({ id: account.userId, email, roles: [], status: 'ACTIVE' })
      expect(user?.sessions).toContainEqual({ id: session?.id, current: true })
    }
  })
})
