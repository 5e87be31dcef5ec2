import { beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import type { GraphQLContext } from '../../src/request/context.ts'
import { introspect, makeService } from '../oauth/support.ts'
import { claimsOf, must } from '../support/answers.ts'
import { type Account, type TokensAnswer, tokenFields } from '../support/client.ts'
import { openForge } from '../support/forge.ts'
import { importUser, openFormerForge, openFormerSystem } from '../support/formerSystem.ts'
import { type TestServer, useServer } from '../support/server.ts'
import { openVerifier } from '../support/verifier.ts'
import { renewalProof } from './refresh/support.ts'

/* ANNUL_MFA_ROLES: a token carries such a role only when its `amr` has a second factor. */

const withFactor = ['pwd', 'otp', 'mfa']
const extension = {
  federation: true,
  typeDefs: 'extend type Query { other(id: ID!): User @auth } extend type Mutation { count: Int @auth }',
  resolvers: {
    Query: { other: (_source: unknown, { id }: { id: string }) => ({ id }) },
    Mutation: {
      count: (_source: unknown, _args: unknown, { auth }: GraphQLContext) => auth.viewer().roles.length,
    },
  },
}
const server = useServer({ env: { ANNUL_MFA_ROLES: ' admin , owner,' }, extension })

type Owner = Account & TokensAnswer
/** An account with these roles, whose session was opened by these proofs. */
async function openOwner(roles: string, amr: readonly string[] = ['pwd']): Promise<Owner> {
  const account = await server.signUp()
  await server.rows(sql`update annul.users set roles = ${roles}::text[] where id = ${account.userId}`)
  const tokens = await server.login(account)
  await server.rows(
    sql`update annul.sessions set amr = ${`{${amr.join()}}`}::text[] where id = ${tokens.session.id}`,
  )
  return { ...account, ...(must(await server.refresh(tokens.refreshToken)).refresh as TokensAnswer) }
}

const carried = (token: string) => {
  const { roles, mfa_roles, amr } = claimsOf(token)
  return { roles, mfa_roles, amr }
}
const withheld = { roles: ['editor'], mfa_roles: ['admin'], amr: ['pwd'] }
const everything = { roles: ['admin', 'editor'], mfa_roles: undefined, amr: withFactor }
const wantsFactor = { code: 'REAUTHENTICATION_REQUIRED', mfa: true, recover: 'REAUTHENTICATE' }
const forbidden = { code: 'FORBIDDEN', required: { roles: ['admin'] } }
const extensionsOf = async (query: string, token: string, node: TestServer = server) =>
  (await node.send(query, { token })).errors?.map(({ extensions }) => extensions)

/** Every verb that issues tokens to somebody who has a session. */
const verbs: Record<string, (owner: Owner) => Promise<string>> = {
  refresh: async ({ refreshToken }) => must(await server.refresh(refreshToken)).refresh.accessToken,
  reauthenticate: by(
    ({ password }) => `reauthenticate(password: ${JSON.stringify(password)}) { ${tokenFields} }`,
  ),
  revokeOtherSessions: by(() => `revokeOtherSessions { ${tokenFields} }`),
  changePassword: by(
    ({ password: old }) =>
      `changePassword(input: { currentPassword: "${old}", newPassword: "${old}!" }) { ${tokenFields} }`,
  ),
  'a renewal': async ({ accessToken, refreshToken, session }) => {
    const { iat, exp } = claimsOf(accessToken) as { iat: number; exp: number }
    const token = openForge(server, accessToken).make({ claims: { iat: iat - 500, exp: exp - 500 } })
    // As if the session had been refreshed when the token was issued.
    await server.rows(sql`update annul.sessions set rotated_at = rotated_at - interval '500 s',
      last_used_at = last_used_at - interval '500 s' where id = ${session.id}`)
    const response = await fetch(`${server.url}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${token}`,
        'annul-renew': renewalProof(refreshToken, token),
      },
      body: JSON.stringify({ query: '{ me { id } }' }),
    })
    return Object(await response.json()).extensions.annul.accessToken
  },
}
function by(fieldOf: (owner: Owner) => string) {
  return async (owner: Owner) => {
    const field = fieldOf(owner)
    const answer = await server.send<Record<string, TokensAnswer>>(`mutation { ${field} }`, {
      token: owner.accessToken,
    })
    return must(answer)[field.split(/\W/)[0] ?? '']?.accessToken ?? ''
  }
}

describe('A role that wants a second factor', () => {
  it.each(Object.keys(verbs))('is withheld and named by the token of %s, until there is one', async verb => {
    const issue = async (owner: Owner) => carried((await verbs[verb]?.(owner)) ?? '')
    expect(await issue(await openOwner('{admin,editor}'))).toEqual(withheld)
    expect(await issue(await openOwner('{admin,editor}', withFactor))).toEqual(everything)
    expect(await issue(await openOwner('{editor}'))).toEqual({ ...withheld, mfa_roles: undefined })
  })

  it('is withheld by the token of a login, and nobody’s at a registration', async () => {
    const owner = await openOwner('{owner,editor,admin}')
    expect(carried((await server.login(owner)).accessToken)).toEqual({
      ...withheld,
      mfa_roles: ['owner', 'admin'],
    })
    expect(carried((await server.signUp()).accessToken)).toEqual({
      roles: [],
      mfa_roles: undefined,
      amr: ['pwd'],
    })
  })

  it('stays with a renewed token that had a proof of its own, and not with the session’s next refresh', async () => {
    const owner = await openOwner('{admin,editor}')
    const proved = openForge(server, owner.accessToken).make({
      claims: { roles: ['admin', 'editor'], mfa_roles: undefined, amr: withFactor },
    })
    const renewed = (await verbs['a renewal']?.({ ...owner, accessToken: proved })) ?? ''
    expect(carried(renewed)).toEqual(everything)
    expect(await extensionsOf('{ users { edges { cursor } } }', renewed)).toBeUndefined()
    expect(carried((await verbs.refresh?.(owner)) ?? '')).toEqual(withheld)
  })

  it('is asked for as a second factor, which helps, where others are told that they may not', async () => {
    const [owner, proved, stranger] = [
      await openOwner('{admin}'),
      await openOwner('{admin}', withFactor),
      await openOwner('{editor}'),
    ]
    const recent = { maxAge: 300 }
    for (const [query, more] of [
      ['{ users { edges { cursor } } }', {}],
      [`{ user(id: "${stranger.userId}") { email } }`, {}],
      [`{ user(id: "${crypto.randomUUID()}") { email } }`, {}],
      [`{ other(id: "${stranger.userId}") { email } }`, {}],
      [
        `{ _entities(representations: [{ __typename: "Session", id: "${stranger.session.id}" }]) { ... on Session { createdAt } } }`,
        {},
      ],
      [`mutation { unblockUser(id: "${stranger.userId}") { id } }`, {}],
      [`mutation { recoverAccount(id: "${owner.userId}") { id } }`, recent],
    ] as const) {
      expect([query, await extensionsOf(query, owner.accessToken)]).toEqual([
        query,
        [{ ...wantsFactor, ...more }],
      ])
      if (query.includes('recoverAccount')) continue
      expect([query, await extensionsOf(query, proved.accessToken)]).toEqual([query, undefined])
      const others = query
        .replaceAll(stranger.userId, owner.userId)
        .replace(stranger.session.id, owner.session.id)
      expect([others, await extensionsOf(others, stranger.accessToken)]).toEqual([others, [forbidden]])
    }
  })

  it('is a role of the user all the same', async () => {
    const { accessToken } = await openOwner('{editor,admin}')
    expect((await server.send('{ me { roles } }', { token: accessToken })).data).toEqual({
      me: { roles: ['editor', 'admin'] },
    })
    // What an app asks its viewer is what the token carries.
    expect((await server.send('mutation { count }', { token: accessToken })).data).toEqual({ count: 1 })
  })

  it('keeps no transaction from being fenced, and its loss ends nothing that was done without it', async () => {
    const { accessToken: token, userId } = await openOwner('{admin,editor}')
    const write = () => extensionsOf('mutation { requestEmailVerification }', token)
    expect(await write()).toBeUndefined()
    await server.rows(sql`update annul.users set roles = '{editor,clerk}' where id = ${userId}`)
    expect(await write()).toBeUndefined()
    await server.rows(sql`update annul.users set roles = '{admin}' where id = ${userId}`)
    expect(await write()).toMatchObject([{ code: 'UNAUTHENTICATED', reason: 'ACCESS_CHANGED' }])
  })
})

describe('A token of a time before the setting', () => {
  const expired = { code: 'UNAUTHENTICATED', reason: 'TOKEN_EXPIRED', recover: 'REFRESH' }

  it('with such a role is as good as expired, and the next one lacks the role', async () => {
    const owner = await openOwner('{admin,editor}')
    const reader = await makeService(server, 'introspect')
    const { make } = openForge(server, owner.accessToken)
    for (const amr of [undefined, ['pwd'], []]) {
      const token = make({ claims: { roles: ['admin', 'editor'], mfa_roles: undefined, amr } })
      for (const query of ['{ me { id } }', '{ users { edges { cursor } } }'])
        expect(await extensionsOf(query, token)).toEqual([expired])
      expect(await introspect(server, reader, token)).toMatchObject({
        body: { active: false, annul_reason: 'TOKEN_EXPIRED' },
      })
    }
    expect(carried((await verbs.refresh?.(owner)) ?? '')).toEqual(withheld)
  })

  it('without such a role goes on', async () => {
    const { accessToken } = await openOwner('{editor}')
    const token = openForge(server, accessToken).make({ claims: { amr: undefined } })
    expect(await extensionsOf('{ me { id } }', token)).toBeUndefined()
  })
})

describe('A token of a former system, which never has a second factor,', () => {
  const system = openFormerSystem('ES256')
  beforeAll(() => server.auth.accept(system.options))

  it('lacks the role at nodes and at verifiers, for as long as it lives', async () => {
    const userId = await importUser(server, ['admin', 'editor'])
    const token = openFormerForge(server, system, userId).make({ claims: { amr: withFactor } })
    expect(await extensionsOf('{ users { edges { cursor } } }', token)).toEqual([wantsFactor])
    expect((await server.send('mutation { count }', { token })).data).toEqual({ count: 1 })
    const reader = await makeService(server, 'introspect')
    const { body } = await introspect(server, reader, token)
    expect(body).toMatchObject({ active: true, roles: ['editor'], mfa_roles: ['admin'] })
    expect(body).not.toHaveProperty('amr')
    const verifier = await openVerifier([server], { rights: ['introspect'], acceptFormer: true })
    expect(await verifier.decide(token)).toMatchObject({ userId, roles: ['editor'] })
    await verifier.close()
  })
})
