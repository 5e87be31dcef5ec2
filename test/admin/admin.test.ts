import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { claimsOf, must, refusal, refused } from '../support/answers.ts'
import type { Account, TokensAnswer } from '../support/client.ts'
import { type Device, deviceOf, openAdmin } from '../support/devices.ts'
import { useServer } from '../support/server.ts'
import {
  presentAccessToken,
  presentRefreshToken,
  refreshAnswer,
  refusedAccess,
  refusedRefresh,
} from '../support/tokenAnswers.ts'

const server = useServer()
let admin: Device
let user: Account & TokensAnswer
beforeAll(async () => {
  admin = await openAdmin(server)
})
beforeEach(async () => {
  user = await server.signUp()
})

const whole = '{ id email emailVerified roles scopes status sessions { id current } }'
const send = (field: string) =>
  server.send<Record<string, unknown>>(`mutation { ${field} }`, { token: admin.accessToken })
const answers = async (field: string) => Object.values(must(await send(field)))[0]
const theUser = (changes: object) => {
  const { userId: id, email } = user
  return {
    id,
    email,
    emailVerified: false,
    roles: [],
    scopes: [],
    status: 'ACTIVE',
    sessions: [],
    ...changes,
  }
}
const versions = async () =>
  (
    await server.rows(sql`select token_version, session_version from annul.users where id = ${user.userId}`)
  )[0]

describe('blockUser', () => {
  const block = () => answers(`blockUser(id: "${user.userId}", reason: "spam") ${whole}`)

  it('answers with the user, blocked and without sessions; a login fails as with a wrong password', async () => {
    expect(await block()).toEqual(theUser({ status: 'BLOCKED' }))
    await expect(server.login(user)).rejects.toThrow('INVALID_CREDENTIALS')
  })

  it('a second time answers the same, and changes nothing', async () => {
    await block()
    const before = await versions()
    expect(await block()).toEqual(theUser({ status: 'BLOCKED' }))
    expect(await versions()).toEqual(before)
  })

  it.each([
    ['x'.repeat(501), 'TEXT_TOO_LONG'],
    ['a\\u0000b', 'TEXT_CHARACTERS'],
  ])('refuses a reason that cannot be written down', async (reason, why) => {
    expect(refusal(await send(`blockUser(id: "${user.userId}", reason: "${reason}") { id }`))).toEqual(
      refused({ code: 'BAD_USER_INPUT', reason: why, argument: 'reason' }),
    )
    await server.login(user)
  })
})

describe('unblockUser', () => {
  const unblock = () => answers(`unblockUser(id: "${user.userId}") ${whole}`)

  it('answers with the user, who signs in again; what the block ended stays ended', async () => {
    await answers(`blockUser(id: "${user.userId}") { id }`)
    expect(await unblock()).toEqual(theUser({}))
    expect(await presentAccessToken(server, user.accessToken)).toEqual(refusedAccess('USER_BLOCKED'))
    expect(await presentRefreshToken(server, deviceOf(user))).toEqual(refusedRefresh('USER_BLOCKED'))
    const device = deviceOf(await server.login(user))
    expect(await presentRefreshToken(server, device)).toEqual(refreshAnswer('works', device))
  })

  it('leaves a user alone who is not blocked', async () => {
    const before = await versions()
    expect(await unblock()).toEqual(theUser({ sessions: [{ id: user.session.id, current: false }] }))
    expect(await versions()).toEqual(before)
  })
})

describe('setUserAccess', () => {
  const set = (access: string) => answers(`setUserAccess(id: "${user.userId}", ${access}) ${whole}`)

  it('answers with the user and each role and scope once; the next access token carries them', async () => {
    const sessions = [{ id: user.session.id, current: false }]
    const changed = { roles: ['editor', 'author'], scopes: ['read:all', 'write'] }
    const access = 'roles: ["editor", "author", "editor"], scopes: ["read:all", "write", "write"]'
    expect(await set(access)).toEqual(theUser({ ...changed, sessions }))
    const device = deviceOf(user)
    expect(await presentRefreshToken(server, device)).toEqual(refreshAnswer('works', device))
    expect(claimsOf(device.accessToken)).toMatchObject({
      ver: 2,
      sid: user.session.id,
      roles: changed.roles,
      scope: 'read:all write',
    })
    const { data } = await server.send('{ me { id roles scopes } }', { token: device.accessToken })
    expect(data).toEqual({ me: { id: user.userId, ...changed } })
  })

  it('takes away what is not named: scopes, too, where there are none', async () => {
    await set('roles: ["editor"], scopes: ["write"]')
    expect(await set('roles: []')).toMatchObject({ roles: [], scopes: [] })
  })

  it.each([
    ['roles: ["a b"]', 'roles', 'ACCESS_INVALID'],
    ['roles: [""]', 'roles', 'ACCESS_INVALID'],
    ['roles: ["é"]', 'roles', 'ACCESS_INVALID'],
    ['roles: [], scopes: ["\\\\"]', 'scopes', 'ACCESS_INVALID'],
    ['roles: [], scopes: ["\\""]', 'scopes', 'ACCESS_INVALID'],
    [`roles: ["${'r'.repeat(101)}"]`, 'roles', 'ACCESS_INVALID'],
    [
      `roles: ${JSON.stringify(Array.from({ length: 200 }, (_, i) => `role-${i + 1000}`))}`,
      'roles',
      'ACCESS_TOO_LONG',
    ],
  ])('refuses %p', async (access, argument, reason) => {
    const before = await versions()
    expect(refusal(await send(`setUserAccess(id: "${user.userId}", ${access}) { id }`))).toEqual(
      refused({ code: 'BAD_USER_INPUT', reason, argument }),
    )
    expect(await versions()).toEqual(before)
  })
})

describe('revokeUserSessions', () => {
  it('answers with the user without sessions, who may sign in again (ASVS 5.0 7.4.5)', async () => {
    await server.login(user)
    expect(await answers(`revokeUserSessions(id: "${user.userId}") ${whole}`)).toEqual(theUser({}))
    const device = deviceOf(await server.login(user))
    expect(await presentRefreshToken(server, device)).toEqual(refreshAnswer('works', device))
  })
})

describe('deleteUser', () => {
  it('answers true, and keeps of the person nothing but the id (ASVS 5.0 7.4.2)', async () => {
    expect(await answers(`deleteUser(id: "${user.userId}")`)).toBe(true)
    const kept = sql`select email, email_key, password_hash, cardinality(roles || scopes) as access, status, user_agent, ip_address
      from annul.users u join annul.sessions s on s.user_id = u.id where u.id = ${user.userId}`
    const nobody = { email: null, email_key: null, password_hash: null, access: 0, status: 'DELETED' }
    expect(await server.rows(kept)).toEqual([{ ...nobody, user_agent: null, ip_address: null }])
    await expect(server.login(user)).rejects.toThrow('INVALID_CREDENTIALS')
  })

  it('frees the e-mail for another account, with another id', async () => {
    await answers(`deleteUser(id: "${user.userId}")`)
    const input = `{ email: "${user.email}", password: "${user.password}" }`
    const again = await server.send<{ register: TokensAnswer }>(
      `mutation { register(input: ${input}) { accessToken refreshToken session { id } user { id } } }`,
    )
    const device = deviceOf(must(again).register)
    expect(device.userId).not.toBe(user.userId)
    expect(await presentRefreshToken(server, device)).toEqual(refreshAnswer('works', device))
    expect(await presentAccessToken(server, user.accessToken)).toEqual(refusedAccess('USER_DELETED'))
  })
})

describe('revokeEverything', () => {
  it('answers true, writes one row however many users there are, and all sign in again', async () => {
    await server.signUp()
    const count = sql`select count(*)::int as count from annul.revocations`
    const [before] = await server.rows<{ count: number }>(count)
    const rowsOf = sql`select id, token_version, session_version from annul.users order by id`
    const users = await server.rows(rowsOf)
    expect(await answers('revokeEverything')).toBe(true)
    expect(await server.rows(count)).toEqual([{ count: (before?.count ?? 0) + 1 }])
    expect(await server.rows(rowsOf)).toEqual(users)

    expect(await presentAccessToken(server, admin.accessToken)).toEqual(refusedAccess('EVERYTHING_REVOKED'))
    const device = deviceOf(await server.login(user))
    expect(claimsOf(device.accessToken).epoch).toBe(Number(claimsOf(user.accessToken).epoch) + 1)
    expect(await presentRefreshToken(server, device)).toEqual(refreshAnswer('works', device))
  })
})
