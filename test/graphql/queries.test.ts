import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { firefox, firefoxName, must, refusal, refused } from '../support/answers.ts'
import { type Device, deviceOf, openAdmin } from '../support/devices.ts'
import { useServer } from '../support/server.ts'

const server = useServer()
let admin: Device
beforeAll(async () => {
  admin = await openAdmin(server)
})

const ask = (query: string, { accessToken: token }: { accessToken: string }) => server.send(query, { token })

describe('me', () => {
  it('is the user of the token', async () => {
    const account = await server.signUp()
    const answer = await ask(
      '{ me { id email emailVerified roles scopes status sessions { id current } } }',
      account,
    )
    const { userId: id, email } = account
    const sessions = [{ id: account.session.id, current: true }]
    expect(answer.data).toEqual({
      me: { id, email, emailVerified: false, roles: [], scopes: [], status: 'ACTIVE', sessions },
    })
  })
})

describe('sessions', () => {
  it('are the live ones of the viewer, the most recently used first, with the current one marked', async () => {
    const account = await server.signUp()
    const devices = [deviceOf(account)]
    for (let count = 0; count < 4; count++) devices.push(deviceOf(await server.login(account)))
    const [first, second, third, ended, expired] = devices as [Device, Device, Device, Device, Device]
    await server.signUp()
    must(await ask(`mutation { revokeSession(id: "${ended.sessionId}") }`, first))
    const change = (device: Device, set: ReturnType<typeof sql>) =>
      server.rows(sql`update annul.sessions set ${set} where id = ${device.sessionId}`)
    await change(expired, sql`idle_expires_at = now()`)
    await change(first, sql`last_used_at = now() - interval '2 hours'`)
    await change(second, sql`last_used_at = now() - interval '3 hours'`)
    await change(third, sql`last_used_at = now() - interval '1 hour'`)

    const list = async () => (await ask('{ sessions { id current } }', second)).data
    const [one, two, three] = [first, second, third].map(({ sessionId: id }) => ({ id, current: false }))
    const current = { ...two, current: true }
    expect(await list()).toEqual({ sessions: [three, one, current] })
    must(await server.refresh(second.refreshToken))
    expect(await list()).toEqual({ sessions: [current, three, one] })
  })

  it('tell the device, the address and the times', async () => {
    const account = await server.signUp()
    const input = `{ email: "${account.email}", password: "${account.password}" }`
    await server.send(`mutation { login(input: ${input}) { expiresIn } }`, {
      headers: { 'user-agent': firefox },
    })
    const { data } = await ask('{ sessions { device ipAddress createdAt lastUsedAt expiresAt } }', account)
    const [newest] = (data as { sessions: Record<string, string>[] }).sessions
    expect(newest).toEqual({
      device: firefoxName,
      ipAddress: '127.0.0.1',
      createdAt: newest?.lastUsedAt,
      lastUsedAt: expect.any(String),
      expiresAt: new Date(Date.parse(newest?.createdAt ?? '') + 2_592_000_000).toISOString(),
    })
  })
})

describe('user', () => {
  const user = (id: string, viewer: { accessToken: string }) =>
    ask(`{ user(id: "${id}") { id email status sessions { id current } } }`, viewer)

  it('is oneself', async () => {
    const account = await server.signUp()
    const { userId: id, email } = account
    const sessions = [{ id: account.session.id, current: true }]
    expect((await user(id.toUpperCase(), account)).data).toEqual({
      user: { id, email, status: 'ACTIVE', sessions },
    })
  })

  it('is forbidden where it is another, known or not (ASVS 5.0 8.2.2)', async () => {
    const account = await server.signUp()
    for (const id of [admin.userId, (await server.signUp()).userId, randomUUID()])
      expect(refusal(await user(id, account))).toEqual({
        status: 200,
        data: { user: null },
        errors: [{ code: 'FORBIDDEN', required: { roles: ['admin'] } }],
      })
  })

  it('is to an admin anybody, and null where there is nobody', async () => {
    const { userId: id, email, session, ...tokens } = await server.signUp()
    const sessions = [{ id: session.id, current: false }]
    expect((await user(id, admin)).data).toEqual({ user: { id, email, status: 'ACTIVE', sessions } })
    must(await ask(`mutation { blockUser(id: "${id}") { id } }`, admin))
    expect((await user(id, admin)).data).toEqual({ user: { id, email, status: 'BLOCKED', sessions: [] } })
    must(await ask(`mutation { deleteUser(id: "${id}") }`, admin))
    for (const nobody of [id, randomUUID()]) {
      const answer = await user(nobody, admin)
      expect([answer.data, answer.errors]).toEqual([{ user: null }, undefined])
    }
    expect(refusal(await user(id, tokens))).toMatchObject({ status: 401 })
  })

  it('refuses what is no id', async () => {
    for (const id of ['', 'x', `${admin.userId}\\n`])
      expect(refusal(await user(id, admin))).toEqual({
        status: 200,
        data: { user: null },
        errors: [{ code: 'BAD_USER_INPUT', reason: 'ID_INVALID', argument: 'id' }],
      })
  })

  it('wants a token', async () => {
    expect(refusal(await server.send(`{ user(id: "${admin.userId}") { id } }`))).toEqual({
      status: 401,
      data: { user: null },
      errors: [{ code: 'UNAUTHENTICATED', reason: 'TOKEN_MISSING', recover: 'LOGIN' }],
    })
  })
})

describe.each(['me { id }', 'sessions { id }'])('{ %s }', field => {
  it('wants a token', async () => {
    expect(refusal(await server.send(`{ ${field} }`))).toEqual(
      refused({ code: 'UNAUTHENTICATED', reason: 'TOKEN_MISSING', recover: 'LOGIN' }, 401),
    )
  })
})
