import { describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import type { TokensAnswer } from '../support/client.ts'
import { forbidden, useGuardedApp } from '../support/guardedApp.ts'

const typeDefs = `
  extend type Query {
    open: String
    anybody: String @auth
    editors: String @auth(roles: ["editor", "chief"])
    scoped: String @auth(scopes: [["read", "write"], ["all"]])
    recent: String @auth(maxAge: 60)
    everything: String @auth(roles: ["editor"], scopes: [["read"]], maxAge: 60)
    strict: String! @auth(roles: ["editor"])
  }
`
const names = ['open', 'anybody', 'editors', 'scoped', 'recent', 'everything', 'strict']
const resolvers = { Query: Object.fromEntries(names.map(name => [name, () => name])) }

const app = useGuardedApp({ typeDefs, resolvers })

const missing = { code: 'UNAUTHENTICATED', reason: 'TOKEN_MISSING', recover: 'LOGIN' }

describe('@auth without arguments', () => {
  it('lets any live session in, and nobody else (ASVS 5.0 7.2.1 and 8.3.1)', async () => {
    expect(await app.ask('{ anybody }', app.account.accessToken)).toEqual({
      status: 200,
      data: { anybody: 'anybody' },
      errors: [],
    })
    expect(await app.ask('{ anybody }')).toEqual({
      status: 401,
      data: { anybody: null },
      errors: [{ path: ['anybody'], ...missing }],
    })
  })

  it('leaves fields without it alone, beside refused ones and under a stale header', async () => {
    expect(await app.ask('{ open anybody }', 'stale')).toEqual({
      status: 200,
      data: { open: 'open', anybody: null },
      errors: [{ path: ['anybody'], code: 'UNAUTHENTICATED', reason: 'TOKEN_INVALID', recover: 'LOGIN' }],
    })
  })

  it('takes the whole answer with it where the field may not be null', async () => {
    const token = await app.tokenWith([])
    expect(await app.ask('{ open strict }', token)).toEqual({
      status: 200,
      data: null,
      errors: [forbidden({ roles: ['editor'] }, 'strict')],
    })
  })
})

describe('roles and scopes', () => {
  it.each<[string, string[], boolean]>([
    ['none of them', [], false],
    ['another one', ['admin'], false],
    ['a longer one', ['editors'], false],
    ['one in capitals', ['EDITOR'], false],
    ['the first', ['editor'], true],
    ['the second, beside others', ['other', 'chief'], true],
  ])('of the roles one is enough: %s', async (_, roles, allowed) => {
    expect(await app.ask('{ editors }', await app.tokenWith(roles))).toEqual({
      status: 200,
      data: { editors: allowed ? 'editors' : null },
      errors: allowed ? [] : [forbidden({ roles: ['editor', 'chief'] }, 'editors')],
    })
  })

  it.each<[string, string[], boolean]>([
    ['none', [], false],
    ['half of the first list', ['read'], false],
    ['the other half', ['write', 'other'], false],
    ['the first list', ['write', 'read'], true],
    ['the second list', ['all'], true],
    ['all in one word', ['read,write'], false],
  ])('of the scopes all of one list are needed: %s', async (_, scopes, allowed) => {
    expect(await app.ask('{ scoped }', await app.tokenWith([], scopes))).toEqual({
      status: 200,
      data: { scoped: allowed ? 'scoped' : null },
      errors: allowed ? [] : [forbidden({ scopes: [['read', 'write'], ['all']] }, 'scoped')],
    })
  })

  it('are needed both where both are asked for, and a recent proof too (ASVS 5.0 8.2.1)', async () => {
    const required = { roles: ['editor'], scopes: [['read']] }
    const refused = {
      status: 200,
      data: { everything: null },
      errors: [forbidden(required, 'everything')],
    }
    expect(await app.ask('{ everything }', await app.tokenWith(['editor']))).toEqual(refused)
    expect(await app.ask('{ everything }', await app.tokenWith([], ['read']))).toEqual(refused)
    expect((await app.ask('{ everything }', await app.tokenWith(['editor'], ['read']))).data).toEqual({
      everything: 'everything',
    })
  })
})

describe('maxAge', () => {
  it('asks for the password once it is too long ago, and a refresh does not count as one (ASVS 5.0 7.5.3)', async () => {
    const { refreshToken, session } = await app.login(app.account)
    await app.rows(
      sql`update annul.sessions set auth_time = now() - interval '70 s' where id = ${session.id}`,
    )
    const { data } = await app.refresh(refreshToken)
    const old = data?.refresh
    const refused = {
      status: 200,
      data: { recent: null },
      errors: [
        { path: ['recent'], code: 'REAUTHENTICATION_REQUIRED', maxAge: 60, recover: 'REAUTHENTICATE' },
      ],
    }
    expect(await app.ask('{ recent }', old?.accessToken)).toEqual(refused)

    const answer = await app.send<{ reauthenticate: TokensAnswer }>(
      'mutation ($password: String!) { reauthenticate(password: $password) { accessToken refreshToken } }',
      { variables: { password: app.account.password }, token: old?.accessToken ?? '' },
    )
    const proved = answer.data?.reauthenticate
    expect((await app.ask('{ recent }', proved?.accessToken)).data).toEqual({ recent: 'recent' })
    // The new proof stands only in that one access token: a thief's refresh does not inherit it.
    const next = await app.refresh(proved?.refreshToken ?? '')
    expect(await app.ask('{ recent }', next.data?.refresh.accessToken)).toEqual(refused)
  })

  it('does not matter to whom the field is forbidden anyway', async () => {
    const token = await app.tokenWith([])
    expect((await app.ask('{ everything }', token)).errors).toEqual([
      forbidden({ roles: ['editor'], scopes: [['read']] }, 'everything'),
    ])
  })
})
