import { beforeAll, describe, expect, it } from '@jest/globals'
import type { Account, TokensAnswer } from '../support/client.ts'
import { onPostgres } from '../support/database.ts'
import { makeAdmin, startTestServer, type TestServer, useServer } from '../support/server.ts'
import { createLoggedDatabase } from '../support/statements.ts'

/* `_users`, by which a gateway that stitches schemas merges User. */

const server = useServer({ extension: { stitching: true } })

let account: Account & TokensAnswer
let stranger: Account & TokensAnswer
let adminToken: string
beforeAll(async () => {
  account = await server.signUp()
  stranger = await server.signUp()
  adminToken = await adminOf(server)
})

async function adminOf(node: TestServer): Promise<string> {
  const admin = await node.signUp()
  await makeAdmin(node, admin.email)
  return (await node.login(admin)).accessToken
}

const unknownId = '00000000-0000-4000-8000-000000000000'

async function usersOf(ids: unknown, token?: string, node: TestServer = server) {
  const { data, errors, status } = await node.send<{ _users: unknown[] }>(
    'query ($ids: [ID!]!) { _users(ids: $ids) { id email } }',
    { variables: { ids }, ...(token !== undefined && { token }) },
  )
  return {
    status,
    users: data?._users,
    errors: errors?.map(({ path, extensions: { code, reason } }) =>
      [path?.join('.'), code, reason].filter(Boolean).join(' '),
    ),
  }
}
const own = () => ({ id: account.userId, email: account.email })

describe('_users', () => {
  it('answers oneself, and refuses each id of somebody else by itself', async () => {
    const ids = [stranger.userId, account.userId, unknownId, 'no id', account.userId]
    expect(await usersOf(ids, account.accessToken)).toEqual({
      status: 200,
      users: [null, own(), null, null, own()],
      errors: ['_users.0 FORBIDDEN', '_users.2 FORBIDDEN', '_users.3 BAD_USER_INPUT ID_INVALID'],
    })
  })

  it('answers an admin about anybody in the order of the ids, and null for nobody', async () => {
    expect(await usersOf([unknownId, stranger.userId, account.userId], adminToken)).toEqual({
      status: 200,
      users: [null, { id: stranger.userId, email: stranger.email }, own()],
      errors: undefined,
    })
  })

  it('is refused as a whole for a sender who is not signed in', async () => {
    expect(await usersOf([account.userId])).toEqual({
      status: 401,
      users: undefined,
      errors: ['_users UNAUTHENTICATED TOKEN_MISSING'],
    })
  })

  it('takes a list as long as the bounds of an operation let it be', async () => {
    const ids = Array.from({ length: 1000 }, () => account.userId)
    expect(await usersOf(ids, account.accessToken)).toMatchObject({ errors: undefined })
    ids.push(account.userId)
    expect(await usersOf(ids, account.accessToken)).toMatchObject({ errors: ['LIST_TOO_LONG'] })
    const aliased = Array.from({ length: 11 }, (_, at) => `a${at}: _users(ids: $ids) { id }`).join(' ')
    const many = await server.send(`query ($ids: [ID!]!) { ${aliased} }`, {
      variables: { ids: ids.slice(1) },
      token: account.accessToken,
    })
    expect(many.code).toBe('OPERATION_TOO_EXPENSIVE')
  })

  it('is no field of a schema without the option', async () => {
    expect(server.auth.schema().getQueryType()?.getFields()).not.toHaveProperty('_users')
  })
})

const itOnPostgres = onPostgres ? it : it.skip

describe('Users of one operation', () => {
  itOnPostgres('are read by one statement, whichever field asks for them', async () => {
    const database = await createLoggedDatabase()
    const node = await startTestServer({
      database,
      env: { ANNUL_FEDERATION: 'on' },
      extension: {
        stitching: true,
        typeDefs: 'extend type Query { everybody: [User!]! @auth }',
        resolvers: { Query: { everybody: () => ids.map(id => ({ id })) } },
      },
    })
    const ids: string[] = []
    try {
      for (let count = 0; count < 5; count++) ids.push((await node.signUp()).userId)
      const token = await adminOf(node)
      const list = ids.map(id => `{ __typename: "User", id: "${id}" }`)
      const selections = [
        `_users(ids: ${JSON.stringify(ids)}) { email status }`,
        `_entities(representations: [${list}]) { ... on User { email createdAt } }`,
        'everybody { email emailVerified }',
      ]
      for (const selection of [...selections, selections.join(' ')]) {
        await database.statements()
        const { errors } = await node.send(`{ ${selection} }`, { token })
        expect(errors).toBeUndefined()
        const about = (await database.statements()).filter(statement =>
          /from "annul"\."users"/.test(statement),
        )
        expect([selection, about.length]).toEqual([selection, 1])
      }
    } finally {
      await node.close()
      await database.close()
    }
  })
})
