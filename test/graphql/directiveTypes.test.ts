import { beforeEach, describe, expect, it } from '@jest/globals'
import { forbidden, useGuardedApp } from '../support/guardedApp.ts'

/* @auth on whole types, and on the fields of a mutation that ends its own session. */

const typeDefs = `
  extend type Query {
    vault: Vault
    editorsVault: Vault @auth(roles: ["editor"])
    shelf: Shelf
    things: [Thing!] @auth
    named: [Named!]
  }
  extend type Mutation {
    open: String
    secret: String @auth
    editors: String @auth(roles: ["editor"])
  }
  type Vault @auth(roles: ["keeper"]) {
    gold: String
    silver: String @auth(scopes: [["silver"]])
    shelf: Shelf
  }
  type Shelf { label: String vault: Vault }
  extend type Shelf @auth { mark: String }
  interface Named { name: String }
  type Book implements Named { name: String }
  type Diary implements Named { name: String @auth(roles: ["editor"]) }
  union Thing = Book | Vault
`

let resolved: string[] = []
const note =
  <T>(name: string, value: T) =>
  () => {
    resolved.push(name)
    return value
  }
const vault = () => ({
  gold: note('gold', 'gold'),
  silver: note('silver', 'silver'),
  shelf: { label: 'inner' },
})
const resolvers = {
  Query: {
    vault: () => {
      resolved.push('vault')
      return vault()
    },
    editorsVault: vault,
    shelf: () => ({ label: 'outer', mark: 'marked', vault }),
    things: () => [
      { __typename: 'Book', name: 'a book' },
      { __typename: 'Vault', ...vault() },
    ],
    named: () => [
      { __typename: 'Book', name: 'a book' },
      { __typename: 'Diary', name: 'a diary' },
    ],
  },
  Mutation: {
    open: note('open', 'open'),
    secret: note('secret', 'secret'),
    editors: note('editors', 'editors'),
  },
}

const app = useGuardedApp({ typeDefs, resolvers })
beforeEach(() => {
  resolved = []
})

const keepers = { roles: ['keeper'] }

describe('a guarded type', () => {
  it('is not returned to others: neither the resolver of the field nor one of its own runs', async () => {
    const query = '{ vault { gold shelf { label } } }'
    expect(await app.ask(query, await app.tokenWith([]))).toEqual({
      status: 200,
      data: { vault: null },
      errors: [forbidden(keepers, 'vault')],
    })
    expect(resolved).toEqual([])
    const { data, errors } = await app.ask(query, await app.tokenWith(['keeper']))
    expect({ data, errors }).toEqual({
      data: { vault: { gold: 'gold', shelf: { label: 'inner' } } },
      errors: [],
    })
    expect(resolved).toEqual(['vault', 'gold'])
  })

  it('and a field of it with its own @auth want both', async () => {
    const query = '{ vault { silver } }'
    const silver = forbidden({ scopes: [['silver']] }, 'vault', 'silver')
    expect((await app.ask(query, await app.tokenWith([], ['silver']))).errors).toEqual([
      forbidden(keepers, 'vault'),
    ])
    expect((await app.ask(query, await app.tokenWith(['keeper']))).errors).toEqual([silver])
    expect(resolved).toEqual(['vault'])
    expect(await app.ask(query, await app.tokenWith(['keeper'], ['silver']))).toEqual({
      status: 200,
      data: { vault: { silver: 'silver' } },
      errors: [],
    })
  })

  it('and the field that leads to it want both', async () => {
    const query = '{ editorsVault { gold } }'
    expect(await app.ask(query, await app.tokenWith(['keeper']))).toEqual({
      status: 200,
      data: { editorsVault: null },
      errors: [forbidden({ roles: ['editor'] }, 'editorsVault')],
    })
    expect((await app.ask(query, await app.tokenWith(['editor']))).errors).toEqual([
      forbidden(keepers, 'editorsVault'),
    ])
    expect((await app.ask(query, await app.tokenWith(['editor', 'keeper']))).data).toEqual({
      editorsVault: { gold: 'gold' },
    })
  })

  it('is guarded inside another guarded type, each by its own rule, an extended one too', async () => {
    const query = '{ shelf { label mark vault { gold shelf { label } } } }'
    const missing = { code: 'UNAUTHENTICATED', reason: 'TOKEN_MISSING', recover: 'LOGIN' }
    expect(await app.ask(query)).toEqual({
      status: 401,
      data: { shelf: null },
      errors: [{ path: ['shelf'], ...missing }],
    })
    expect(await app.ask(query, await app.tokenWith([]))).toEqual({
      status: 200,
      data: { shelf: { label: 'outer', mark: 'marked', vault: null } },
      errors: [forbidden(keepers, 'shelf', 'vault')],
    })
    expect((await app.ask(query, await app.tokenWith(['keeper']))).data).toEqual({
      shelf: { label: 'outer', mark: 'marked', vault: { gold: 'gold', shelf: { label: 'inner' } } },
    })
  })

  it('is guarded behind unions, interfaces, fragments and aliases', async () => {
    const query = `{
      things { ... on Book { title: name } ...VaultParts }
      named { name }
    } fragment VaultParts on Vault { loot: gold }`
    expect(await app.ask(query, await app.tokenWith([]))).toEqual({
      status: 200,
      data: { things: [{ title: 'a book' }, { loot: null }], named: [{ name: 'a book' }, { name: null }] },
      errors: [forbidden(keepers, 'things', 1, 'loot'), forbidden({ roles: ['editor'] }, 'named', 1, 'name')],
    })
    expect(await app.ask(query, await app.tokenWith(['keeper', 'editor']))).toEqual({
      status: 200,
      data: {
        things: [{ title: 'a book' }, { loot: 'gold' }],
        named: [{ name: 'a book' }, { name: 'a diary' }],
      },
      errors: [],
    })
  })
})

describe('a root mutation field', () => {
  it.each([
    ['revokeSessions', 'SESSIONS_REVOKED'],
    ['logout', 'LOGGED_OUT'],
  ])('is decided anew: after %s in the same request nothing guarded is answered', async (verb, reason) => {
    const { accessToken } = await app.login(app.account)
    const dead = { code: 'UNAUTHENTICATED', reason, recover: 'LOGIN' }
    expect(
      await app.ask(`mutation { before: secret ${verb} open secret again: secret }`, accessToken),
    ).toEqual({
      status: 200,
      data: { before: 'secret', [verb]: true, open: 'open', secret: null, again: null },
      errors: [
        { path: ['secret'], ...dead },
        { path: ['again'], ...dead },
      ],
    })
    expect(resolved).toEqual(['secret', 'open'])
    expect((await app.ask('mutation { secret }', accessToken)).errors).toEqual([
      { path: ['secret'], ...dead },
    ])
  })

  it('is decided anew after a change of its own access, too', async () => {
    const token = await app.tokenWith(['admin', 'editor'])
    const query = `mutation {
      editors
      setUserAccess(id: "${app.account.userId}", roles: ["admin"]) { roles }
      again: editors
    }`
    expect(await app.ask(query, token)).toEqual({
      status: 200,
      data: { editors: 'editors', setUserAccess: { roles: ['admin'] }, again: null },
      errors: [{ path: ['again'], code: 'UNAUTHENTICATED', reason: 'ACCESS_CHANGED', recover: 'REFRESH' }],
    })
  })
})
