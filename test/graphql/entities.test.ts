import { beforeAll, describe, expect, it } from '@jest/globals'
import type { Account, TokensAnswer } from '../support/client.ts'
import { makeAdmin, useServer } from '../support/server.ts'

/* `_entities`: what a gateway may look up, for whom. It is asked directly, because every client can. */

const server = useServer({
  env: { ANNUL_FEDERATION: 'on' },
  extension: {
    typeDefs: `
      type Note @key(fields: "id") @auth(roles: ["writer"]) { id: ID! text: String }
      type Order @key(fields: "id") { id: ID! total: Int buyer: User }
      type Hidden { id: ID! secret: String }
      type Part @key(fields: "id", resolvable: false) { id: ID! name: String }
      interface Media @key(fields: "id") { id: ID! title: String }
      type Book implements Media @key(fields: "id") { id: ID! title: String pages: Int }
      type Film implements Media @key(fields: "id") { id: ID! title: String minutes: Int }
      extend type Query { hidden: Hidden part: Part media: Media order: Order }`,
    resolvers: {
      Note: { __resolveReference: ({ id }: { id: string }) => ({ id, text: 'a note' }) },
      Order: {
        __resolveReference: ({ id }: { id: string }) =>
          id === 'none' ? null : Object.freeze({ id, total: 12 }),
        buyer: () => ({ id: stranger.userId }),
      },
      Media: {
        __resolveReference: ({ id }: { id: string }) => ({ id, title: 'a title', [id]: 100 }),
        __resolveType: (media: object) => ('pages' in media ? 'Book' : 'Film'),
      },
    },
  },
})

let account: Account & TokensAnswer
let stranger: Account & TokensAnswer
let adminToken: string
beforeAll(async () => {
  account = await server.signUp()
  stranger = await server.signUp()
  const admin = await server.signUp()
  await makeAdmin(server, admin.email)
  adminToken = (await server.login(admin)).accessToken
})

const unknownId = '00000000-0000-4000-8000-000000000000'
const query = `query ($list: [_Any!]!) { _entities(representations: $list) {
  __typename
  ... on User { id email }
  ... on Session { id current device }
  ... on Note { id text }
  ... on Order { id total }
  ... on Book { title pages }
  ... on Film { title minutes }
} }`
async function lookUp(list: unknown, token?: string, headers: Record<string, string> = {}) {
  const { data, errors, status } = await server.send<{ _entities: unknown[] }>(query, {
    variables: { list },
    headers,
    ...(token !== undefined && { token }),
  })
  return {
    status,
    entities: data?._entities,
    errors: errors?.map(({ path, extensions: { code, reason } }) =>
      [path?.join('.'), code, reason].filter(Boolean).join(' '),
    ),
  }
}
const user = (id: unknown, more = {}) => ({ __typename: 'User', id, ...more })
const session = (id: unknown) => ({ __typename: 'Session', id })

describe('_entities of User', () => {
  it('answers oneself, and refuses others one by one, whether or not there is such a user', async () => {
    const list = [
      user(stranger.userId),
      user(account.userId),
      user(unknownId),
      user(account.userId.toUpperCase()),
    ]
    const own = { __typename: 'User', id: account.userId, email: account.email }
    expect(await lookUp(list, account.accessToken)).toEqual({
      status: 200,
      entities: [null, own, null, own],
      errors: ['_entities.0 FORBIDDEN', '_entities.2 FORBIDDEN'],
    })
  })

  it('answers an admin about anybody, and null for nobody, in order', async () => {
    const list = [user(stranger.userId), user(unknownId), user(account.userId)]
    expect(await lookUp(list, adminToken)).toEqual({
      status: 200,
      entities: [
        { __typename: 'User', id: stranger.userId, email: stranger.email },
        null,
        { __typename: 'User', id: account.userId, email: account.email },
      ],
      errors: undefined,
    })
  })

  it('refuses a sender without a token, and with one that is dead, one by one', async () => {
    const list = [user(account.userId), session(account.session.id), { __typename: 'Order', id: '1' }]
    const order = { __typename: 'Order', id: '1', total: 12 }
    expect(await lookUp(list)).toEqual({
      status: 200,
      entities: [null, null, order],
      errors: ['_entities.0 UNAUTHENTICATED TOKEN_MISSING', '_entities.1 UNAUTHENTICATED TOKEN_MISSING'],
    })
    const { accessToken } = await server.login(account)
    await server.send('mutation { logout }', { token: accessToken })
    expect((await lookUp(list, accessToken)).errors).toEqual([
      '_entities.0 UNAUTHENTICATED LOGGED_OUT',
      '_entities.1 UNAUTHENTICATED LOGGED_OUT',
    ])
  })

  it('believes nothing of a reference but the id, and no header but the token', async () => {
    const forged = user(stranger.userId, {
      email: 'forged@example.com',
      ownSessionId: account.session.id,
      roles: ['admin'],
      row: { email: 'forged@example.com' },
    })
    const headers = {
      'x-user-id': stranger.userId,
      'x-annul-user': stranger.userId,
      'x-roles': 'admin',
      'x-hasura-role': 'admin',
      'x-auth-request-user': stranger.userId,
    }
    expect(await lookUp([forged], account.accessToken, headers)).toMatchObject({
      entities: [null],
      errors: ['_entities.0 FORBIDDEN'],
    })
    expect(await lookUp([forged], undefined, headers)).toMatchObject({
      entities: [null],
      errors: ['_entities.0 UNAUTHENTICATED TOKEN_MISSING'],
    })
    const me = await server.send('{ me { id roles } }', { token: account.accessToken, headers })
    expect(me.data).toEqual({ me: { id: account.userId, roles: [] } })
  })

  it('refuses what is no reference, one by one', async () => {
    const own = user(account.userId)
    const list = [
      own,
      user(7),
      user({ id: 1 }),
      { __typename: 'User' },
      'User',
      3,
      [],
      { id: account.userId },
    ]
    const { entities, errors } = await lookUp(list, account.accessToken)
    expect(entities).toEqual([
      expect.objectContaining({ id: account.userId }),
      ...list.slice(1).map(() => null),
    ])
    expect(errors).toEqual(
      expect.arrayContaining([
        ...[1, 2, 3].map(index => `_entities.${index} BAD_USER_INPUT ID_INVALID`),
        ...[4, 5, 6, 7].map(index => `_entities.${index} BAD_USER_INPUT TYPE_UNKNOWN`),
      ]),
    )
    expect(errors).toHaveLength(7)
  })
})

describe('_entities of Session', () => {
  it('answers one’s own while it lives; what is others’, over or unknown is refused alike', async () => {
    const over = await server.login(account)
    await server.send('mutation { logout }', { token: over.accessToken })
    const list = [stranger, account, over].map(({ session: { id } }) => session(id))
    expect(await lookUp([...list, session(unknownId)], account.accessToken)).toEqual({
      status: 200,
      entities: [
        null,
        expect.objectContaining({ __typename: 'Session', id: account.session.id, current: true }),
        null,
        null,
      ],
      errors: ['_entities.0 FORBIDDEN', '_entities.2 FORBIDDEN', '_entities.3 FORBIDDEN'],
    })
  })

  it('answers an admin about anybody’s', async () => {
    const { entities, errors } = await lookUp([session(stranger.session.id), session(unknownId)], adminToken)
    expect(entities).toEqual([expect.objectContaining({ id: stranger.session.id, current: false }), null])
    expect(errors).toBeUndefined()
  })
})

describe('_entities of an app’s types', () => {
  it('looks up by __resolveReference, whose guard is that of the type', async () => {
    const list = [
      { __typename: 'Note', id: '1' },
      { __typename: 'Order', id: '2' },
      { __typename: 'Order', id: 'none' },
    ]
    const entities = [null, { __typename: 'Order', id: '2', total: 12 }, null]
    expect(await lookUp(list)).toEqual({
      status: 200,
      entities,
      errors: ['_entities.0 UNAUTHENTICATED TOKEN_MISSING'],
    })
    expect(await lookUp(list, account.accessToken)).toEqual({
      status: 200,
      entities,
      errors: ['_entities.0 FORBIDDEN'],
    })
  })

  it('looks up by an interface, too', async () => {
    const list = ['pages', 'minutes'].map(id => ({ __typename: 'Media', id }))
    expect((await lookUp(list)).entities).toEqual([
      { __typename: 'Book', title: 'a title', pages: 100 },
      { __typename: 'Film', title: 'a title', minutes: 100 },
    ])
  })

  it('is refused for a type without a key, whose source nobody may make up', async () => {
    const list = [
      { __typename: 'Hidden', id: '1', secret: 'made up' },
      { __typename: 'Part', id: '1' },
      { __typename: 'Tokens' },
      { __typename: 'ID' },
    ]
    const { entities, errors } = await lookUp(list, adminToken)
    expect(entities).toEqual([null, null, null, null])
    expect(errors).toEqual(list.map((_, index) => `_entities.${index} BAD_USER_INPUT TYPE_UNKNOWN`))
  })
})

describe('the bounds of an operation', () => {
  it('count the fields of _entities for each reference', async () => {
    const list = Array.from({ length: 1000 }, () => user(account.userId))
    const ask = (field: string) =>
      server.send(`query ($list: [_Any!]!) { ${field} }`, { variables: { list }, token: account.accessToken })
    const field = '_entities(representations: $list) { ... on User { id } }'
    expect((await ask(field)).errors).toBeUndefined()
    const aliased = Array.from({ length: 11 }, (_, at) => `a${at}: ${field}`).join(' ')
    expect(await ask(aliased)).toMatchObject({ code: 'OPERATION_TOO_EXPENSIVE', data: undefined })
    list.push(user(account.userId))
    expect(await ask(field)).toMatchObject({ code: 'LIST_TOO_LONG', data: undefined })
  })
})
