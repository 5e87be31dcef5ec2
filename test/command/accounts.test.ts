import { randomUUID } from 'node:crypto'
import { describe, expect, it, jest } from '@jest/globals'
import { sql } from 'drizzle-orm'
import type { Account, TokensAnswer } from '../support/client.ts'
import { onPostgres } from '../support/database.ts'
import { useOperatedServer } from '../support/operatedServer.ts'

// Each command is a process of its own, and the machine may have other things to do.
jest.setTimeout(180_000)

const onlyPostgres = onPostgres ? it : it.skip
const me = '{ me { id roles scopes } }'

const operated = useOperatedServer()

const signUp = () => operated.server.signUp()
const ask = ({ accessToken }: TokensAnswer) => operated.server.send(me, { token: accessToken })

/** What the audit says of a user's last event. */
async function lastEvent({ userId }: Account) {
  const [event] = await operated.server.rows<{
    kind: string
    actor_id: string | null
    detail: string | null
  }>(
    sql`select kind, actor_id, detail from annul.audit_events where user_id = ${userId} order by id desc limit 1`,
  )
  return event
}

describe('annul set-access', () => {
  it('replaces roles and scopes; when it has returned, no node takes the old access token', async () => {
    const account = await signUp()
    const args = [
      'set-access',
      '--email',
      account.email.toUpperCase(),
      '--roles',
      'admin,ops',
      '--scopes',
      'a:b',
    ]
    expect(await operated.run(...args)).toEqual({
      status: 0,
      stdout: `The user ${account.userId} has the roles: admin, ops; and the scopes: a:b.\n`,
      stderr: '',
    })
    expect(await ask(account)).toMatchObject({ status: 401, data: null, reason: 'ACCESS_CHANGED' })
    const refreshed = await operated.server.refresh(account.refreshToken)
    expect(refreshed.errors).toBeUndefined()
    const again = await operated.server.login(account)
    expect((await ask(again)).data).toEqual({
      me: { id: account.userId, roles: ['admin', 'ops'], scopes: ['a:b'] },
    })

    const byId = ['set-access', '--id', account.userId, '--roles', '']
    // Another admin, so that the last one is not the one who loses the role.
    await operated.server.rows(
      sql`update annul.users set roles = '{admin}' where id = ${(await signUp()).userId}`,
    )
    expect(await operated.run(...byId)).toMatchObject({
      status: 0,
      stdout: `The user ${account.userId} has the roles: none; and the scopes: none.\n`,
    })
    expect(await ask(again)).toMatchObject({ data: null, reason: 'ACCESS_CHANGED' })
  })

  it('is written down as done by the command', async () => {
    const account = await signUp()
    await operated.run('set-access', '--id', account.userId, '--roles', 'ops')
    expect(await lastEvent(account)).toEqual({
      kind: 'set-user-access',
      actor_id: null,
      detail: 'by the command; roles: ops; scopes: ',
    })
  })
})

describe('annul set-password', () => {
  it('ends all sessions, and only the new password opens another', async () => {
    const account = await signUp()
    const password = 'a password from the operator'
    const [set] = await operated.runAll([
      { args: ['set-password', '--email', account.email], input: `${password}\n` },
    ])
    expect(set).toEqual({
      status: 0,
      stdout: `The user ${account.userId} has the new password, and all sessions of the account have ended.\n`,
      stderr: '',
    })
    expect(await ask(account)).toMatchObject({ status: 401, data: null, reason: 'PASSWORD_CHANGED' })
    expect(await operated.server.refresh(account.refreshToken)).toMatchObject({ reason: 'PASSWORD_CHANGED' })
    const login = `mutation ($e: String!, $p: String!) { login(input: { email: $e, password: $p }) { expiresIn } }`
    const old = { e: account.email, p: account.password }
    expect(await operated.server.send(login, { variables: old })).toMatchObject({
      code: 'INVALID_CREDENTIALS',
    })
    expect((await ask(await operated.server.login({ ...account, password }))).errors).toBeUndefined()
    const events = await operated.server.rows<{ kind: string }>(
      sql`select kind, actor_id, detail from annul.audit_events where user_id = ${account.userId} and kind = 'set-password'`,
    )
    expect(events).toEqual([{ kind: 'set-password', actor_id: null, detail: 'by the command' }])
  })

  it('refuses what is no good password in one sentence, and changes nothing', async () => {
    const account = await signUp()
    const refused = [
      ['only 14 chars.', 'A password has at least 15 characters.'],
      [account.email, 'The password must not be the e-mail.'],
      ['', 'A password has at least 15 characters.'],
    ]
    const ended = await operated.runAll(
      refused.map(([input = '']) => ({ args: ['set-password', '--id', account.userId], input })),
    )
    expect(ended).toEqual(refused.map(([, text]) => ({ status: 1, stdout: '', stderr: `${text}\n` })))
    expect((await ask(account)).errors).toBeUndefined()
    expect((await lastEvent(account))?.kind).toBe('register')
  })
})

describe('annul block and unblock', () => {
  it('end the sessions at once, and let the user in again', async () => {
    const account = await signUp()
    expect(await operated.run('block', '--email', account.email)).toEqual({
      status: 0,
      stdout: `The user ${account.userId} is blocked, and all sessions of the account have ended.\n`,
      stderr: '',
    })
    expect(await ask(account)).toMatchObject({ status: 401, data: null, reason: 'USER_BLOCKED' })
    expect(await lastEvent(account)).toEqual({ kind: 'block-user', actor_id: null, detail: 'by the command' })

    expect(await operated.run('unblock', '--id', account.userId)).toEqual({
      status: 0,
      stdout: `The user ${account.userId} is not blocked, and may sign in.\n`,
      stderr: '',
    })
    expect(await lastEvent(account)).toEqual({
      kind: 'unblock-user',
      actor_id: null,
      detail: 'by the command',
    })
    expect(await ask(account)).toMatchObject({ data: null, reason: 'USER_BLOCKED' })
    expect((await ask(await operated.server.login(account))).errors).toBeUndefined()
  })
})

onlyPostgres(
  'A command that kills tokens returns when every node knows, or has outlived its lease',
  async () => {
    const account = await signUp()
    // A node that hangs: it may decide from memory for its lease.
    const leaseMs = 4000
    const id = randomUUID()
    const hang = sql`insert into annul.nodes (id, lease_ms) values (${id}, ${leaseMs}) on conflict do nothing`
    for (const [command = '', ...options] of [
      ['set-access', '--roles', 'ops'],
      ['set-password'],
      ['block'],
    ]) {
      // It is forgotten by whoever has waited for it.
      await operated.server.rows(hang)
      const args = [command, ...options, '--id', account.userId]
      const [ended] = await operated.runAll([{ args, input: 'a password from the operator' }])
      expect(ended).toMatchObject({ status: 0, stderr: '' })
      const [since] = await operated.server.rows<{ ms: number }>(
        sql`select (extract(epoch from clock_timestamp() - max(at)) * 1000)::float8 as ms
        from annul.audit_events where user_id = ${account.userId}`,
      )
      expect([command, (since?.ms ?? 0) >= leaseMs]).toEqual([command, true])
    }
    await operated.server.rows(sql`delete from annul.nodes where id = ${id}`)
  },
)

it('An account that is not there, or an id that is none, changes nothing', async () => {
  const calls = [
    { args: ['block', '--email', 'nobody@example.com'], text: 'There is no such user.' },
    { args: ['unblock', '--id', randomUUID()], text: 'There is no such user.' },
    { args: ['set-access', '--id', '1', '--roles', 'a'], text: 'This is not an id: it must be a UUID.' },
    {
      args: ['set-password', '--email', 'nobody@example.com'],
      input: 'a password that is long enough',
      text: 'There is no such user.',
    },
  ]
  const audits = () => operated.server.rows(sql`select count(*)::int from annul.audit_events`)
  const before = await audits()
  const ended = await operated.runAll(calls)
  expect(ended).toEqual(calls.map(({ text }) => ({ status: 1, stdout: '', stderr: `${text}\n` })))
  expect(await audits()).toEqual(before)
})
