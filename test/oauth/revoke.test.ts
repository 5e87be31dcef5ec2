import { beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { onPostgres } from '../support/database.ts'
import { useSecondNode, useServer } from '../support/server.ts'
import { bearer, makeService, post, refused, revoke, type TestService } from './support.ts'

const server = useServer()
const secondNode = useSecondNode(server)
let service: TestService
beforeAll(async () => {
  service = await makeService(server, 'revoke')
})
const me = '{ me { id } }'
const withoutCredentials = (token: string) => post(server, '/oauth/revoke', { token })
const lives = async (token: string) => (await server.send(me, { token })).errors === undefined

describe('a service with the right to revoke', () => {
  it.each(['accessToken', 'refreshToken'] as const)(
    'ends the session of an %s: no node accepts its tokens any more',
    async kind => {
      const account = await server.signUp()
      const other = await server.login(account)
      const answer = await revoke(server, service, account[kind])
      expect([answer.status, answer.body]).toEqual([200, undefined])
      for (const node of [server, secondNode])
        expect(await node.send(me, { token: account.accessToken })).toMatchObject({
          ...{ code: 'UNAUTHENTICATED', reason: 'SESSION_REVOKED' },
        })
      expect(await server.refresh(account.refreshToken)).toMatchObject({ reason: 'SESSION_REVOKED' })
      expect(await lives(other.accessToken)).toBe(true)
      const events = await server.rows(
        sql`select kind, actor_id, detail, host(ip_address) as address from annul.audit_events
            where session_id = ${account.session.id} and kind <> 'register'`,
      )
      expect(events).toEqual([
        {
          kind: 'revoke-session',
          actor_id: null,
          detail: `by the service ${service.name}`,
          address: '127.0.0.1',
        },
      ])
    },
  )

  it('gets 200 for what is no live token, again and again, and it changes nothing', async () => {
    const { accessToken, refreshToken } = await server.signUp()
    await revoke(server, service, refreshToken)
    const count = () => server.rows(sql`select count(*)::int as count from annul.audit_events`)
    const before = await count()
    for (const token of [
      accessToken,
      refreshToken,
      'x',
      `annul_rt_${'A'.repeat(75)}`,
      accessToken.slice(0, -1),
    ])
      expect((await revoke(server, service, token)).status).toBe(200)
    expect(await count()).toEqual(before)
  })

  it('ends a session by a refresh token of a former generation, which is no sign of theft', async () => {
    const { refreshToken, session } = await server.signUp()
    await server.refresh(refreshToken)
    expect((await revoke(server, service, refreshToken)).status).toBe(200)
    const [row] = await server.rows(sql`select end_reason from annul.sessions where id = ${session.id}`)
    expect(row).toEqual({ end_reason: 'SESSION_REVOKED' })
  })

  it.each(['access_token', 'refresh_token', 'urn:x'])('may give the hint %s, right or wrong', async hint => {
    const { accessToken } = await server.signUp()
    const form = { token: accessToken, token_type_hint: hint }
    expect((await post(server, '/oauth/revoke', form, bearer(service))).status).toBe(200)
    expect(await lives(accessToken)).toBe(false)
  })

  it('whose secret ends while its request waits ends no session', async () => {
    const { accessToken } = await server.signUp()
    const short = await makeService(server, 'revoke')
    // Now the node remembers the secret.
    await revoke(server, short, 'x')
    await server.rows(sql`update annul.service_secrets set ended_at = now() where id = ${short.secretId}`)
    expect(await revoke(server, short, accessToken)).toMatchObject(refused(401, 'invalid_client'))
    expect(await lives(accessToken)).toBe(true)
  })
})

describe('a client without credentials', () => {
  it('ends the session of its own refresh token, as logout does', async () => {
    const { refreshToken, accessToken, session } = await server.signUp()
    expect((await withoutCredentials(refreshToken)).status).toBe(200)
    for (const node of [server, secondNode])
      expect(await node.send(me, { token: accessToken })).toMatchObject({ reason: 'LOGGED_OUT' })
    const [event] = await server.rows(
      sql`select kind from annul.audit_events where session_id = ${session.id} order by id desc limit 1`,
    )
    expect(event).toEqual({ kind: 'logout' })
    expect((await withoutCredentials(refreshToken)).status).toBe(200)
  })

  it('ends nothing by an access token, which goes through more hands', async () => {
    const { accessToken } = await server.signUp()
    expect(await withoutCredentials(accessToken)).toMatchObject(refused(401, 'invalid_client'))
    expect(await lives(accessToken)).toBe(true)
    expect((await withoutCredentials('x')).status).toBe(200)
  })

  it('with a cookie gets nothing by it', async () => {
    const { refreshToken, accessToken } = await server.signUp()
    const cookie = `__Host-annul-refresh=${refreshToken}`
    expect(await post(server, '/oauth/revoke', {}, { cookie })).toMatchObject(refused(400, 'invalid_request'))
    expect(await lives(accessToken)).toBe(true)
  })

  it('with wrong credentials ends nothing, not even by its own refresh token', async () => {
    const { refreshToken, accessToken } = await server.signUp()
    const answer = await revoke(server, { secret: 'x' }, refreshToken)
    expect(answer).toMatchObject(refused(401, 'invalid_client'))
    expect(await lives(accessToken)).toBe(true)
  })
})

const itOnPostgres = onPostgres ? it : it.skip
describe('the wait', () => {
  itOnPostgres('ends when every node refuses, and not before', async () => {
    const { accessToken } = await server.signUp()
    // A node that is silent: it may decide from memory for the length of its lease.
    await server.rows(sql`insert into annul.nodes (id, lease_ms) values (gen_random_uuid(), 400)`)
    const since = performance.now()
    expect((await revoke(server, service, accessToken)).status).toBe(200)
    expect(performance.now() - since).toBeGreaterThan(400)
  })
})
