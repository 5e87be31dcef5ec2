import { execFile } from 'node:child_process'
import { createPublicKey } from 'node:crypto'
import { promisify } from 'node:util'
import { afterAll, beforeEach, describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { GraphQLError } from 'graphql'
import jwt from 'jsonwebtoken'
import type { AppUser } from '../../src/app/user.ts'
import { AuthError } from '../../src/errors.ts'
import type { SchemaExtension } from '../../src/graphql/schema.ts'
import { accessTokens } from '../../src/tokens/accessToken.ts'
import { reservedNames } from '../../src/tokens/ownClaims.ts'
import { claimsOf, newAttempt, refreshed, renewalProof, snapshot } from '../sessions/refresh/support.ts'
import { createDatabase, onPostgres } from '../support/database.ts'
import { openAdmin } from '../support/devices.ts'
import { openForge } from '../support/forge.ts'
import { useServer } from '../support/server.ts'
import { createLoggedDatabase, type LoggedDatabase } from '../support/statements.ts'

const onlyPostgres = onPostgres ? it : it.skip
const extension: SchemaExtension = {
  typeDefs: 'extend type Query { tenant: String @auth levels: [Int!] @auth change: String @auth }',
  resolvers: {
    Query: {
      tenant: (_, __, { auth }) => auth.viewer().claims.tenant,
      levels: (_, __, { auth }) => auth.viewer().claims.shop.levels,
      change: (_, __, { auth }) => auth.viewer().claims.shop.levels.push(3),
    },
  },
}
/** What the app's function does, by the test. */
let claims: (user: AppUser) => unknown
const good = ({ email, id }: AppUser) => ({ tenant: `of ${email}`, user: id, shop: { levels: [1, 2] } })
beforeEach(() => {
  claims = good
})

const lines: string[] = []
let log: LoggedDatabase | undefined
const server = useServer(async () => {
  log = onPostgres ? await createLoggedDatabase() : undefined
  return {
    database: log ?? (await createDatabase()),
    extension,
    app: { claims: user => claims(user) as Record<string, unknown> },
    onLogLine: line => lines.push(line),
  }
})
afterAll(() => log?.close())

/** What the log says of the failure whose id an answer tells. */
function logged(answer: { errors: readonly { extensions: Record<string, unknown> }[] | undefined }) {
  const [error] = answer.errors ?? []
  expect(error).toMatchObject({
    message: 'Something went wrong on the server.',
    extensions: { code: 'INTERNAL_SERVER_ERROR', id: expect.any(String) },
  })
  const found = lines.find(line => line.includes(String(error?.extensions.id)))
  return JSON.parse(found ?? '{}').err
}

describe('an app’s claims', () => {
  it('stand in the tokens of every verb that issues some, and a resolver reads them', async () => {
    const account = await server.signUp()
    const { email, password } = account
    const login = await server.login(account)
    const rotated = await refreshed(server, login.refreshToken)
    const attempt = newAttempt()
    const first = await refreshed(server, rotated.refreshToken, attempt)
    const replayed = await refreshed(server, rotated.refreshToken, attempt)
    const verb = async (token: string, field: string) => {
      const { data } = await server.send<Record<string, { accessToken: string }>>(
        `mutation { it: ${field} { accessToken } }`,
        { token },
      )
      return data?.it?.accessToken ?? ''
    }
    const proved = await verb(first.accessToken, `reauthenticate(password: "${password}")`)
    const kept = await verb(proved, 'revokeOtherSessions')
    const change = `changePassword(input: { currentPassword: "${password}", newPassword: "quite another password" })`
    const changed = await verb(kept, change)

    const issued = [account, login, rotated, first, replayed].map(({ accessToken }) => accessToken)
    for (const token of [...issued, proved, kept, changed])
      expect(claimsOf(token)).toMatchObject({
        ...{ iss: 'annul', sub: account.userId, roles: [] },
        ...{ tenant: `of ${email}`, user: account.userId, shop: { levels: [1, 2] } },
      })
    const answer = await server.send('{ tenant levels }', { token: changed })
    expect(answer.data).toEqual({ tenant: `of ${email}`, levels: [1, 2] })
  })

  it('stand in a renewed access token, and one that could not be renewed is told in the log', async () => {
    const { accessToken, refreshToken, session, email } = await server.signUp()
    await server.rows(
      sql`update annul.sessions set rotated_at = rotated_at - interval '500 s' where id = ${session.id}`,
    )
    const { iat, exp } = claimsOf(accessToken)
    const aged = openForge(server, accessToken).make({ claims: { iat: iat - 500, exp: exp - 500 } })
    const renew = async () => {
      const response = await fetch(`${server.url}/graphql`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          authorization: `Bearer ${aged}`,
          'annul-renew': renewalProof(refreshToken, aged),
        },
        body: '{"query":"{ tenant }"}',
      })
      return (await response.json()) as { data: unknown; extensions?: { annul: { accessToken: string } } }
    }

    claims = () => ({ iss: 'https://evil.example.com' })
    const before = await snapshot(server, session.id)
    expect(await renew()).toEqual({ data: { tenant: `of ${email}` } })
    expect(await snapshot(server, session.id)).toEqual(before)
    expect(JSON.parse(lines.find(line => line.includes('could not be renewed')) ?? '{}').err.message).toBe(
      'The option "claims" returned a claim "iss" that has a reserved name.',
    )
    claims = user => ({ ...good(user), renewed: true })
    const token = (await renew()).extensions?.annul.accessToken ?? ''
    expect(claimsOf(token)).toMatchObject({ tenant: `of ${email}`, renewed: true })
  })

  it('are seen by whoever verifies by the published keys', async () => {
    const { accessToken, email } = await server.signUp()
    const response = await fetch(`${server.url}/.well-known/jwks.json`)
    const { keys } = (await response.json()) as { keys: { kid: string }[] }
    const key = createPublicKey({ key: keys[0] ?? {}, format: 'jwk' })
    expect(jwt.verify(accessToken, key, { algorithms: ['ES256'] })).toMatchObject({ tenant: `of ${email}` })
  })

  it('are made from a copy of the row: neither the hash is told, nor can the roles be changed', async () => {
    let seen: object = {}
    claims = user => {
      seen = user
      expect(() => (user.roles as string[]).push('admin')).toThrow(TypeError)
      return {}
    }
    const { accessToken, userId, email } = await server.signUp()
    expect(seen).toEqual({
      ...{ id: userId, email, emailVerified: false, roles: [], scopes: [], createdAt: expect.any(Date) },
    })
    expect(claimsOf(accessToken).roles).toEqual([])
  })

  it('are those of the row that is current: of the new roles after a change', async () => {
    claims = ({ roles }) => ({ copied: roles })
    const [admin, { userId, refreshToken }] = [await openAdmin(server), await server.signUp()]
    await server.send(`mutation { setUserAccess(id: "${userId}", roles: ["editor"]) { id } }`, {
      token: admin.accessToken,
    })
    expect(claimsOf((await refreshed(server, refreshToken)).accessToken).copied).toEqual(['editor'])
  })

  it('can not be changed by a resolver, for they are shared by the requests of a token', async () => {
    const { accessToken: token } = await server.signUp()
    expect(logged(await server.send('{ change }', { token })).type).toBe('TypeError')
    expect((await server.send('{ levels }', { token })).data).toEqual({ levels: [1, 2] })
  })

  onlyPostgres(
    'cost a refresh with an attempt no further statement, and one without it a transaction',
    async () => {
      const { refreshToken } = await server.signUp()
      await log?.statements()
      const next = await refreshed(server, refreshToken, newAttempt())
      expect(await log?.statements()).toEqual([expect.stringMatching(/^update "annul"\."sessions" set/)])
      await refreshed(server, next.refreshToken)
      expect(await log?.statements()).toEqual([
        'begin',
        expect.stringMatching(/^update "annul"\."sessions" set/),
        'commit',
      ])
    },
  )

  it('of the greatest size pass beside the most roles and scopes that a user may have', async () => {
    const admin = await openAdmin(server)
    const account = await server.signUp()
    const roles = Array.from({ length: 19 }, (_, at) => `${at}`.padStart(99, 'r'))
    const query = 'mutation ($id: ID!, $roles: [String!]!) { setUserAccess(id: $id, roles: $roles) { id } }'
    const variables = { id: account.userId, roles }
    expect((await server.send(query, { token: admin.accessToken, variables })).errors).toBeUndefined()
    claims = () => ({ tenant: 'x'.repeat(985) })
    const { accessToken: token } = await server.login(account)
    expect((await server.send('{ tenant }', { token })).data).toEqual({ tenant: 'x'.repeat(985) })
  })
})

it('A token that would be too long to be accepted is not signed', () => {
  const { config, keys, clock } = server.auth.parts
  const tokens = accessTokens({ ...config, keys, now: clock.now })
  const iat = Math.floor(clock.now())
  const ids = { sub: crypto.randomUUID(), sid: crypto.randomUUID() }
  const grant = { ...ids, ver: 1, epoch: 1, roles: [], scope: '', auth_time: iat, iat, exp: iat + 600 }
  expect(tokens.verify(tokens.sign(grant, { it: 'x'.repeat(4000) }))).toMatchObject(ids)
  expect(() => tokens.sign(grant, { it: 'x'.repeat(5000) })).toThrow(
    /^An access token would be \d{4} bytes long, and 6144/,
  )
  // Whatever is handed over beside them, Annul's own claims stand.
  expect(tokens.verify(tokens.sign(grant, { sub: 'x', iss: 'x', exp: 0, ver: 9 }))).toMatchObject(grant)
})

const circle: Record<string, unknown> = {}
circle.circle = circle
class Tenant {
  name = 'x'
}
const names = [
  ...['iss', 'sub', 'aud', 'client_id', 'exp', 'iat', 'nbf', 'jti', 'sid', 'ver', 'epoch', 'roles', 'scope'],
  ...['scopes', 'auth_time', 'cnf', 'acr', 'amr', 'mfa_roles', 'groups', 'entitlements'],
]
const refusals: [string, () => unknown, string][] = [
  ...names.map(reservedName),
  [
    '1,001 bytes',
    () => ({ a: 1, tenant: 'x'.repeat(982) }),
    'returned 1001 bytes of JSON, and at most 1000 are allowed; the largest is "tenant"',
  ],
  [
    'bytes of several for a letter',
    () => ({ tenant: 'ü'.repeat(500) }),
    'returned 1013 bytes of JSON, and at most 1000 are allowed; the largest is "tenant"',
  ],
  [
    'undefined',
    () => ({ tenant: undefined }),
    'returned a claim "tenant" that is undefined, which JSON has not',
  ],
  [
    'a hole in a list',
    () => ({ list: Array(2) }),
    'returned a claim "list[0]" that is undefined, which JSON has not',
  ],
  [
    'a function',
    () => ({ shop: { name: () => '' } }),
    'returned a claim "shop.name" that is a function, which JSON has not',
  ],
  ['NaN', () => ({ rank: Number.NaN }), 'returned a claim "rank" that is NaN, which JSON has not'],
  [
    'infinity',
    () => ({ rank: Number.POSITIVE_INFINITY }),
    'returned a claim "rank" that is Infinity, which JSON has not',
  ],
  ['a bigint', () => ({ rank: 1n }), 'returned a claim "rank" that is a bigint, which JSON has not'],
  ['a symbol', () => ({ rank: Symbol('x') }), 'returned a claim "rank" that is a symbol, which JSON has not'],
  [
    'a Date',
    () => ({ since: [new Date()] }),
    'returned a claim "since[0]" that is a Date, which JSON has not',
  ],
  ['a Map', () => ({ map: new Map() }), 'returned a claim "map" that is a Map, which JSON has not'],
  [
    'an instance of a class',
    () => ({ tenant: new Tenant() }),
    'returned a claim "tenant" that is a Tenant, which JSON has not',
  ],
  [
    'a promise inside',
    () => ({ tenant: Promise.resolve('x') }),
    'returned a claim "tenant" that is a promise, which JSON has not',
  ],
  [
    'a circle',
    () => circle,
    `returned a claim "${'circle.'.repeat(15).slice(0, 83)}" that has more than 10 levels`,
  ],
  [
    '__proto__',
    () => JSON.parse('{ "a": { "__proto__": 1 } }'),
    'returned a claim "a.__proto__" that has a name that is refused',
  ],
  ['a promise', async () => ({ tenant: 'x' }), 'returned a promise, not a plain object'],
  ['nothing', () => undefined, 'returned undefined, not a plain object'],
  ['null', () => null, 'returned null, not a plain object'],
  ['a list', () => [{ tenant: 'x' }], 'returned a list, not a plain object'],
  ['a text', () => 'x', 'returned a string, not a plain object'],
]

function reservedName(name: string): [string, () => unknown, string] {
  return [
    `the name ${name}`,
    () => ({ tenant: 'x', [name]: 'x' }),
    `returned a claim "${name}" that has a reserved name`,
  ]
}

const everything = async () => {
  const tables = ['users', 'sessions', 'epochs', 'revocations', 'audit_events']
  const all = tables.map(table => `(select jsonb_agg(t order by t.id) from annul.${table} t) as ${table}`)
  return (await server.rows(sql.raw(`select ${all.join()}`)))[0]
}
const registering = `mutation { register(input: { email: "${crypto.randomUUID()}@example.com", password: "a password of the tests" }) { accessToken } }`

describe('claims that are refused', () => {
  it('are those whose names are listed, and no others', () => {
    expect([...reservedNames].sort()).toEqual([...names].sort())
  })

  it.each(refusals)(
    'fail at the first token, name the claim in the log, and change nothing: %s',
    async (_, make, message) => {
      claims = make
      const before = await everything()
      expect(logged(await server.send(registering)).message).toBe(`The option "claims" ${message}.`)
      expect(await everything()).toEqual(before)
    },
  )

  const refusal = new AuthError('UNAUTHENTICATED', 'no tenant')

  it('because they are a promise do not end the process when it is rejected', async () => {
    const script = `
      import { ownClaims } from './dist/tokens/ownClaims.js'
      const user = { roles: [], scopes: [], createdAt: new Date() }
      const fail = async () => { throw new Error('no tenant') }
      for (const claims of [fail, () => ({ tenant: fail() })])
        try { ownClaims(claims, user) } catch (error) { console.log(error.message) }
      setTimeout(() => console.log('alive'), 10)`
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script])
    expect(stdout.trim().split('\n')).toEqual([
      'The option "claims" returned a promise, not a plain object.',
      'The option "claims" returned a claim "tenant" that is a promise, which JSON has not.',
      'alive',
    ])
  })

  it('because a property of theirs threw are told to no client, too', async () => {
    claims = () => ({
      get tenant() {
        throw refusal
      },
    })
    expect(logged(await server.send(registering)).cause).toMatchObject({ type: 'AuthError' })
  })

  it('because the app threw are told with their cause, and to no client', async () => {
    const forClients = { extensions: { code: 'MINE' } }
    for (const thrown of [new Error('no tenant'), new GraphQLError('no tenant', forClients), refusal]) {
      claims = () => {
        throw thrown
      }
      const before = await everything()
      expect(logged(await server.send(registering))).toMatchObject({
        message: 'The option "claims" threw an error.',
        cause: { message: 'no tenant' },
      })
      expect(await everything()).toEqual(before)
    }
  })

  it('let nobody be signed in, and change nothing, by login and by the verbs of a signed-in user', async () => {
    const account = await server.signUp()
    const { accessToken: token, password } = account
    const verbs = [
      `login(input: { email: "${account.email}", password: "${password}" })`,
      `reauthenticate(password: "${password}")`,
      'revokeOtherSessions',
      `changePassword(input: { currentPassword: "${password}", newPassword: "quite another password" })`,
    ]
    claims = () => ({ roles: ['admin'] })
    const before = await everything()
    for (const verb of verbs) logged(await server.send(`mutation { ${verb} { accessToken } }`, { token }))
    expect(await everything()).toEqual(before)
    expect((await server.send('{ tenant }', { token })).data).toEqual({ tenant: `of ${account.email}` })
  })

  it('by a refresh log nobody out: the same attempt gets its tokens when the claims work again', async () => {
    const { refreshToken, session } = await server.signUp()
    const attempt = newAttempt()
    claims = () => ({ roles: ['admin'] })
    for (let time = 0; time < 3; time++) logged(await server.refresh(refreshToken, attempt))
    claims = good
    const next = await refreshed(server, refreshToken, attempt)
    expect(server.auth.parts.refreshTokens.read(next.refreshToken)).toEqual({
      sessionId: session.id,
      generation: 2,
    })
    await refreshed(server, next.refreshToken, newAttempt())
  })

  it('by a refresh without an attempt leave the session as it was, so that no client is taken for a thief', async () => {
    const { refreshToken, session } = await server.signUp()
    const before = await snapshot(server, session.id)
    claims = () => ({ roles: ['admin'] })
    for (let time = 0; time < 3; time++) logged(await server.refresh(refreshToken))
    expect(await snapshot(server, session.id)).toEqual(before)
    claims = good
    await refreshed(server, refreshToken)
  })
})
