import { randomUUID } from 'node:crypto'
import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { newPassword, requestPasswordReset, resetPassword } from '../support/account.ts'
import { must, refusal, refused } from '../support/answers.ts'
import type { Account, TokensAnswer } from '../support/client.ts'
import { onPostgres } from '../support/database.ts'
import { type Device, deviceOf, openAdmin } from '../support/devices.ts'
import { mailOf, mailsTo } from '../support/outbox.ts'
import { useServer } from '../support/server.ts'
import {
  presentAccessToken,
  presentRefreshToken,
  refusedAccess,
  refusedRefresh,
} from '../support/tokenAnswers.ts'

const recovered: unknown[] = []
const server = useServer({
  app: {
    hooks: {
      recovered: async (tx, user, recovery) => {
        const notes = await tx.query('select owner from notes where owner = $1', [user.id])
        recovered.push({ id: user.id, ...recovery, notes: notes.length })
      },
    },
  },
})
/** Decides by the rows, and never by its memory. */
const strict = onPostgres
  ? useServer(() => ({ database: server.database, env: { ...server.env, ANNUL_REVOCATION: 'strict' } }))
  : server
let admin: Device
let user: Account & TokensAnswer
beforeAll(async () => {
  await server.rows(sql`create table notes (owner uuid references annul.users (id) on update cascade)`)
  admin = await openAdmin(server)
})
beforeEach(async () => {
  user = await server.signUp()
})

const recover = (id = user.userId) =>
  server.send<{ recoverAccount: { id: string } }>(
    `mutation { recoverAccount(id: "${id}") { id email roles status sessions { id } } }`,
    { token: admin.accessToken },
  )
const reason = 'ACCOUNT_RECOVERED'

describe('recoverAccount', () => {
  it('gives the account a new id, which foreign keys follow, and tells the app', async () => {
    await server.rows(sql`insert into notes values (${user.userId}), (${user.userId})`)
    await server.rows(sql`update annul.users set roles = '{editor}' where id = ${user.userId}`)
    const { id, ...rest } = must(await recover()).recoverAccount
    expect(id).not.toBe(user.userId)
    expect(rest).toEqual({ email: user.email, roles: ['editor'], status: 'ACTIVE', sessions: [] })
    expect(recovered.at(-1)).toEqual({ id, formerId: user.userId, notes: 2 })
    expect(await server.rows(sql`select user_id from annul.sessions where id = ${user.session.id}`)).toEqual([
      { user_id: id },
    ])
    expect(
      await server.rows(sql`select actor_id, user_id, detail from annul.audit_events where kind = 'recover-account'
        order by id desc limit 1`),
    ).toEqual([{ actor_id: admin.userId, user_id: id, detail: `the id was ${user.userId}` }])
  })

  it('ends every token of the old id, on every node and by the rows too', async () => {
    const there = deviceOf(await server.login(user))
    must(await recover())
    for (const node of [server, strict])
      for (const device of [deviceOf(user), there]) {
        expect(await presentAccessToken(node, device.accessToken)).toEqual(refusedAccess(reason))
        expect(await presentRefreshToken(node, device)).toEqual(refusedRefresh(reason))
      }
    const tombstone = sql`select status, email, email_key, password_hash, roles::text from annul.users where id = ${user.userId}`
    expect(await server.rows(tombstone)).toEqual([
      { status: 'DELETED', email: null, email_key: null, password_hash: null, roles: '{}' },
    ])
  })

  it('unsets the password, and sends a link that sets a new one (ASVS 5.0 6.4.6)', async () => {
    const { id } = must(await recover()).recoverAccount
    await expect(server.login(user)).rejects.toThrow('INVALID_CREDENTIALS')
    const { token, userId } = await mailOf(server, 'account-recovered', user.email)
    expect(userId).toBe(id)
    const password = newPassword()
    const { resetPassword: tokens } = must(await resetPassword(server, token, password))
    expect(tokens.user.id).toBe(id)
    expect((await server.login({ ...user, password })).user.id).toBe(id)
  })

  it('kills the links that were sent before', async () => {
    must(await requestPasswordReset(server, user.email))
    const { token } = await mailOf(server, 'reset-password', user.email)
    must(await recover())
    expect((await resetPassword(server, token, newPassword())).reason).toBe('TOKEN_INVALID')
  })

  it('finds the old id no more, and an account can be recovered again under the new one', async () => {
    const { id } = must(await recover()).recoverAccount
    expect(await recover()).toMatchObject({ code: 'NOT_FOUND' })
    const again = must(await recover(id)).recoverAccount
    expect(again.id).not.toBe(id)
    expect(await recover(randomUUID())).toMatchObject({ code: 'NOT_FOUND' })
  })

  it('refuses the own account, so that an admin is always left', async () => {
    expect(refusal(await recover(admin.userId))).toEqual(
      refused({ code: 'BAD_USER_INPUT', argument: 'id', reason: 'OWN_ACCOUNT' }),
    )
  })

  it.each([
    ['at once', ''],
    ['at the commit', 'deferrable initially deferred'],
  ])(
    'refuses clearly where a foreign key without ON UPDATE CASCADE refuses %s, and changes nothing',
    async (_, deferred) => {
      await server.rows(sql.raw(`create table stuck (owner uuid references annul.users (id) ${deferred})`))
      await server.rows(sql`insert into stuck values (${user.userId})`)
      const answer = await recover()
      await server.rows(sql`drop table stuck`)
      expect(refusal(answer)).toEqual(
        refused({ code: 'BAD_USER_INPUT', argument: 'id', reason: 'ID_REFERENCED' }),
      )
      expect(await mailsTo(server, user.email)).toEqual([])
      must(await server.refresh(user.refreshToken))
    },
  )
})
