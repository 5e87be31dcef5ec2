import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { must } from '../support/answers.ts'
import type { Account, TokensAnswer } from '../support/client.ts'
import { openFormerForge, openFormerSystem } from '../support/formerSystem.ts'
import { makeAdmin, useServer } from '../support/server.ts'

/* A viewer with a token of a former system has no session, and the fields about sessions say so. */

const server = useServer()
const system = openFormerSystem('RS256')
let user: Account & TokensAnswer
let token: string
beforeAll(async () => {
  server.auth.accept(system.options)
  user = await server.signUp()
  token = openFormerForge(server, system, user.userId).make()
})

const required = {
  code: 'REAUTHENTICATION_REQUIRED',
  maxAge: 0,
  recover: 'REAUTHENTICATE',
}
const audited = () =>
  server.rows(sql`select kind from annul.audit_events where user_id = ${user.userId} order by id`)

describe('a viewer without a session', () => {
  it.each([
    '{ sessions { id } }',
    'mutation { logout }',
    `mutation { revokeSession(id: "${randomUUID()}") }`,
    'mutation { revokeSessions }',
    'mutation { revokeOtherSessions { accessToken } }',
    'mutation { reauthenticate(password: "PASSWORD") { accessToken } }',
    'mutation { reauthenticate(password: "a wrong password of them") { accessToken } }',
    'mutation { changePassword(input: { currentPassword: "PASSWORD", newPassword: "another PASSWORD" }) { accessToken } }',
    '{ me { sessions { id } } }',
    'USER',
  ])('is told to sign in by %s, which does nothing', async field => {
    const before = await audited()
    const query = field
      .replaceAll('PASSWORD', user.password)
      .replace('USER', `{ user(id: "${user.userId}") { sessions { id } } }`)
    const { status, errors } = await server.send(query, { token })
    expect({ status, extensions: errors?.map(({ extensions }) => extensions) }).toEqual({
      status: 200,
      extensions: [required],
    })
    expect(await audited()).toEqual(before)
    // The session that the user has beside the token lives on.
    const own = await server.send('{ me { id } }', { token: user.accessToken })
    expect(own.data).toEqual({ me: { id: user.userId } })
    expect((await server.send('{ me { id } }', { token })).data).toEqual({ me: { id: user.userId } })
  })

  it('ends its own session all the same, by that session’s refresh token', async () => {
    const other = await server.login(user)
    const mutation = `mutation { logout(refreshToken: "${other.refreshToken}") }`
    expect(must(await server.send(mutation, { token }))).toEqual({ logout: true })
  })

  it('signs in by login, and has a session from then on', async () => {
    const { accessToken } = await server.login(user)
    const { sessions } = must(await server.send('{ sessions { current } }', { token: accessToken }))
    expect(sessions).toContainEqual({ current: true })
  })

  it('does what an admin does to others, and is written down as who did it, without a session', async () => {
    const admin = await server.signUp()
    await makeAdmin(server, admin.email)
    const adminToken = openFormerForge(server, system, admin.userId).make()
    const target = await server.signUp()
    const seen = await server.send(`{ user(id: "${target.userId}") { sessions { id current } } }`, {
      token: adminToken,
    })
    expect(seen.data).toEqual({ user: { sessions: [{ id: target.session.id, current: false }] } })
    const ended = await server.send(`mutation { revokeUserSessions(id: "${target.userId}") { id } }`, {
      token: adminToken,
    })
    expect(ended.data).toEqual({ revokeUserSessions: { id: target.userId } })
    expect(
      await server.rows(
        sql`select kind, actor_id, session_id from annul.audit_events where user_id = ${target.userId} order by id desc limit 1`,
      ),
    ).toEqual([{ kind: 'revoke-user-sessions', actor_id: admin.userId, session_id: null }])
    expect(await server.send('{ me { id } }', { token: target.accessToken })).toMatchObject({
      reason: 'SESSIONS_REVOKED',
    })
  })
})
