import { beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import type { Account } from '../support/client.ts'
import { useSecondNode, useServer } from '../support/server.ts'
import { makeService, post, refused, revokeSubject, type TestService } from './support.ts'

const server = useServer()
const secondNode = useSecondNode(server)
let service: TestService
beforeAll(async () => {
  service = await makeService(server, 'revoke')
})
const send = (body: unknown) => revokeSubject(server, service, body)

describe('all tokens of a user', () => {
  const identifiers: [string, (account: Account) => Record<string, string>][] = [
    ['iss_sub', ({ userId }) => ({ iss: 'annul', sub: userId })],
    ['opaque', ({ userId }) => ({ id: userId.toUpperCase() })],
    ['email', ({ email }) => ({ email: email.toUpperCase() })],
  ]
  it.each(identifiers)(
    'end by a subject of the format %s, on all nodes, before the 204',
    async (format, of) => {
      const account = await server.signUp()
      const devices = [account, await server.login(account)]
      const answer = await send({ sub_id: { format, ...of(account) } })
      expect([answer.status, answer.body]).toEqual([204, undefined])
      for (const { accessToken, refreshToken } of devices) {
        for (const node of [server, secondNode])
          expect(await node.send('{ me { id } }', { token: accessToken })).toMatchObject({
            ...{ code: 'UNAUTHENTICATED', reason: 'SESSIONS_REVOKED' },
          })
        expect(await server.refresh(refreshToken)).toMatchObject({ reason: 'SESSIONS_REVOKED' })
      }
      // The user may sign in again.
      await server.login(account)
      const events = await server.rows(
        sql`select kind, detail from annul.audit_events where user_id = ${account.userId} and kind like 'revoke%'`,
      )
      expect(events).toEqual([{ kind: 'revoke-user-sessions', detail: `by the service ${service.name}` }])
    },
  )

  it('stay where the user is unknown: 404', async () => {
    const deleted = await server.signUp()
    await server.rows(
      sql`update annul.users set status = 'DELETED', email_key = ${deleted.userId} where id = ${deleted.userId}`,
    )
    const { userId } = await server.signUp()
    for (const sub_id of [
      { format: 'opaque', id: crypto.randomUUID() },
      { format: 'opaque', id: 'no id' },
      { format: 'opaque', id: deleted.userId },
      { format: 'email', email: deleted.email },
      { format: 'email', email: 'nobody@example.com' },
      { format: 'iss_sub', iss: 'https://other.example.com', sub: userId },
    ])
      expect(await send({ sub_id })).toMatchObject(refused(404, 'invalid_request'))
  })

  it.each<[string, unknown]>([
    ['no JSON', '{'],
    ['no object', '[]'],
    ['null', 'null'],
    ['no sub_id', {}],
    ['the member of an earlier draft', { subject: { format: 'opaque', id: 'x' } }],
    ['more than the sub_id', { sub_id: { format: 'opaque', id: 'x' }, more: 1 }],
    ['a sub_id that is no object', { sub_id: 'x' }],
    ['a format that is not known', { sub_id: { format: 'phone_number', phone_number: '+1' } }],
    ['aliases', { sub_id: { format: 'aliases', identifiers: [] } }],
    ['an id that is no text', { sub_id: { format: 'opaque', id: { $ne: null } } }],
    ['an e-mail that is none', { sub_id: { format: 'email', email: 'x' } }],
    ['an e-mail with NUL', { sub_id: { format: 'email', email: 'a\u0000@example.com' } }],
    ['a member too many', { sub_id: { format: 'opaque', id: 'x', email: 'a@example.com' } }],
    ['a member too few', { sub_id: { format: 'iss_sub', sub: 'x' } }],
  ])('stay where the body is wrong: %s', async (_, body) => {
    expect(await send(body)).toMatchObject(refused(400, 'invalid_request'))
  })

  it('stay without the right, without credentials, and for a body that is no JSON by its type', async () => {
    const { userId, accessToken } = await server.signUp()
    const body = { sub_id: { format: 'opaque', id: userId } }
    const reader = await makeService(server, 'introspect', 'feed')
    expect(await revokeSubject(server, reader, body)).toMatchObject(refused(403, 'insufficient_scope'))
    const path = '/oauth/global-token-revocation'
    const json = { 'content-type': 'application/json' }
    expect(await post(server, path, JSON.stringify(body), json)).toMatchObject(refused(401, 'invalid_client'))
    // An admin's token is no secret of a service.
    expect(await revokeSubject(server, { secret: accessToken }, body)).toMatchObject(
      refused(401, 'invalid_client'),
    )
    const form = { authorization: `Bearer ${service.secret}` }
    expect(await post(server, path, { sub_id: userId }, form)).toMatchObject(refused(415, 'invalid_request'))
    expect((await server.send('{ me { id } }', { token: accessToken })).errors).toBeUndefined()
  })
})
