import { randomUUID } from 'node:crypto'
import { describe, expect, it, jest } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { claimsOf } from '../support/answers.ts'
import { annul, startNode } from '../support/command.ts'
import { temporaryDirectory } from '../support/database.ts'
import { challengeOf, codeOf, completeLogin, loginAnswer, signUpWithTotp } from '../support/factors.ts'
import { useOperatedServer } from '../support/operatedServer.ts'
import { makeAdmin } from '../support/server.ts'
import { hasTerminal, startAtTerminal } from '../support/terminal.ts'

// Each command is a process of its own, and the machine may have other things to do.
jest.setTimeout(180_000)

const operated = useOperatedServer()
const me = '{ me { id } }'

describe('annul reset-factors', () => {
  it('lets a lone admin in again, at once, although the account asks for a delay', async () => {
    const account = await signUpWithTotp(operated.server)
    const { userId, email, tokens } = account
    await makeAdmin(operated.server, email)
    const challenge = await challengeOf(operated.server, account)
    await operated.server.rows(sql`
      update annul.users set delay_factor_reset = true, factors_end_at = now() + interval '1 day'
      where id = ${userId}`)

    expect(await operated.run('reset-factors', '--email', email.toUpperCase(), '--yes')).toEqual({
      status: 0,
      stdout: `The user ${userId} has no second factor, and all sessions of the account have ended.\n`,
      stderr: '',
    })
    const { server } = operated
    expect(await server.send(me, { token: tokens.accessToken })).toMatchObject({
      status: 401,
      reason: 'FACTOR_REMOVED',
    })
    expect(await server.refresh(tokens.refreshToken)).toMatchObject({ reason: 'FACTOR_REMOVED' })
    const answered = await completeLogin(server, challenge, { totp: codeOf(account.secret) })
    expect(answered.reason).toBe('CHALLENGE_INVALID')
    const { accessToken } = await server.login(account)
    expect(claimsOf(accessToken)).toMatchObject({ roles: ['admin'], amr: ['pwd'] })

    const events = await server.rows(sql`
      select kind, actor_id, detail from annul.audit_events
      where user_id = ${userId} and kind like '%reset%' order by id`)
    expect(events).toEqual([{ kind: 'reset-factors', actor_id: null, detail: 'by the command' }])
    const mails = await server.rows(sql`
      select detail from tests.queued_mails where user_id = ${userId} and kind = 'factors-reset'`)
    expect(mails).toEqual([{ detail: {} }])
    const left = await server.rows(sql`select factors_end_at from annul.users where id = ${userId}`)
    expect(left).toEqual([{ factors_end_at: null }])
  })

  it('asks first: without a terminal it wants --yes, and changes nothing', async () => {
    const account = await signUpWithTotp(operated.server)
    expect(await operated.run('reset-factors', '--id', account.userId)).toEqual({
      status: 1,
      stdout: '',
      stderr:
        `This removes all second factors of ${account.userId}, and ends all sessions of the account. ` +
        'There is no terminal to ask at: confirm it with --yes.\n',
    })
    expect((await operated.server.send(me, { token: account.tokens.accessToken })).errors).toBeUndefined()
    expect((await loginAnswer(operated.server, account)).code).toBe('SECOND_FACTOR_REQUIRED')
  })

  it('changes nothing for an account that is not there, or an id that is none', async () => {
    const audits = () => operated.server.rows(sql`select count(*)::int from annul.audit_events`)
    const before = await audits()
    const calls = [
      { args: ['--email', 'nobody@example.com'], text: 'There is no such user.' },
      { args: ['--id', randomUUID()], text: 'There is no such user.' },
      { args: ['--id', '1'], text: 'This is not an id: it must be a UUID.' },
    ]
    const ended = await operated.runAll(
      calls.map(({ args }) => ({ args: ['reset-factors', '--yes', ...args] })),
    )
    expect(ended).toEqual(calls.map(({ text }) => ({ status: 1, stdout: '', stderr: `${text}\n` })))
    expect(await audits()).toEqual(before)
  })

  it('says in its help that nothing is delayed', async () => {
    const { stdout } = await annul(['reset-factors', '--help'], {})
    expect(stdout.replace(/\s+/g, ' ')).toContain('at once, also where the account asks for a delay')
  })
})

describe('annul reset-factors beside a server with the embedded database', () => {
  it('is performed by the running server', async () => {
    const env = { ANNUL_DATA_DIR: await temporaryDirectory() }
    const node = await startNode(env)
    const account = await node.signUp()
    const { enrollTotp } = (
      await node.send<{ enrollTotp: { id: string; secret: string } }>(
        'mutation { enrollTotp { id secret } }',
        {
          token: account.accessToken,
        },
      )
    ).data ?? { enrollTotp: { id: '', secret: '' } }
    const { id, secret } = enrollTotp
    await node.send(
      'mutation ($id: ID!, $code: String!) { confirmTotp(id: $id, code: $code) { factor { id } } }',
      { token: account.accessToken, variables: { id, code: codeOf(secret) } },
    )
    await expect(node.login(account)).rejects.toThrow('SECOND_FACTOR_REQUIRED')

    const args = ['reset-factors', '--email', account.email]
    if (hasTerminal) {
      const terminal = startAtTerminal(args, env)
      await terminal.sees(
        `This removes all second factors of ${account.email}, and ends all sessions of the account. Type "yes" to go on: `,
      )
      terminal.type('yes\r')
      expect(await terminal.ended()).toBe(0)
    } else expect(await annul([...args, '--yes'], env)).toMatchObject({ status: 0 })
    expect(await node.send(me, { token: account.accessToken })).toMatchObject({ reason: 'FACTOR_REMOVED' })
    expect((await node.login(account)).user.id).toBe(account.userId)
    await node.stop()
  })
})
