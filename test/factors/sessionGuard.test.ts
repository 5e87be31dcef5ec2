import { randomUUID } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { must, refusal, refused } from '../support/answers.ts'
import {
  beginTotp,
  challengeOf,
  codeOf,
  completeLogin,
  enrollTotp,
  loginAnswer,
  loginWithFactor,
  reauthenticateWith,
  signUpWithTotp,
} from '../support/factors.ts'
import { mailsTo } from '../support/outbox.ts'
import { useServer } from '../support/server.ts'

const server = useServer()

describe('The database', () => {
  it('opens no session without a second factor for an account that has one, whatever node asks', async () => {
    const account = await signUpWithTotp(server)
    // As a node of a version without factors does: it names no column that it does not know.
    const insert = server.rows(sql`
      insert into annul.sessions (id, user_id, session_version, epoch, idle_expires_at, expires_at, auth_time)
      select ${randomUUID()}, ${account.userId}, 1, epoch, now() + interval '1 day', now() + interval '1 day', now()
      from annul.epochs`)
    await expect(insert).rejects.toMatchObject({ cause: { code: '23514' } })
  })
})

describe('A login that began before the first factor was confirmed', () => {
  it('asks for the factor', async () => {
    const { email, password, accessToken } = await server.signUp()
    const { passwords } = server.auth.parts
    const verify = passwords.verify
    let secret = ''
    passwords.verify = async (...given) => {
      passwords.verify = verify
      const right = await verify(...given)
      ;({ secret } = await enrollTotp(server, accessToken))
      return right
    }
    const answer = await loginAnswer(server, { email, password })
    expect(answer.code).toBe('SECOND_FACTOR_REQUIRED')
    const challenge = String(answer.errors?.[0]?.extensions.challenge)
    must(await completeLogin(server, challenge, { totp: codeOf(secret) }))
  })
})

describe('A change of factors', () => {
  it('wants a factor of the last five minutes: a session that one has opened, and the password, are not enough', async () => {
    const account = await signUpWithTotp(server)
    const { accessToken } = await loginWithFactor(server, account)
    await server.rows(sql`update annul.sessions set factor_time = factor_time - interval '301 seconds'
      where user_id = ${account.userId} and factor_time is not null`)
    const again = must(
      await server.send<{ reauthenticate: { accessToken: string } }>(
        `mutation { reauthenticate(password: ${JSON.stringify(account.password)}) { accessToken } }`,
        { token: accessToken },
      ),
    ).reauthenticate
    const answer = await server.send('mutation { enrollTotp { id } }', { token: again.accessToken })
    expect(refusal(answer)).toEqual(
      refused({ code: 'REAUTHENTICATION_REQUIRED', maxAge: 300, mfa: true, recover: 'REAUTHENTICATE' }),
    )
  })

  it('wants the token of that proof: another one of the same session does not inherit it', async () => {
    const account = await signUpWithTotp(server)
    const { accessToken, session } = await loginWithFactor(server, account)
    // The session was opened an hour ago, and whoever has copied its token gives the password.
    await server.rows(sql`update annul.sessions set auth_time = auth_time - interval '1 hour',
      factor_time = factor_time - interval '1 hour' where id = ${session.id}`)
    const copied = must(
      await server.send<{ reauthenticate: { accessToken: string } }>(
        `mutation { reauthenticate(password: ${JSON.stringify(account.password)}) { accessToken } }`,
        { token: accessToken },
      ),
    ).reauthenticate.accessToken
    // So that the times of both proofs differ by whole seconds.
    await new Promise(resolve => setTimeout(resolve, 1100))
    const [recoveryCode] = account.recoveryCodes
    const proved = must(await reauthenticateWith(server, accessToken, { recoveryCode })).reauthenticateWith
    const change = (token: string) => server.send('mutation { makeRecoveryCodes }', { token })
    expect((await change(copied)).code).toBe('REAUTHENTICATION_REQUIRED')
    must(await change(proved.accessToken))
  })

  it('is told by mail, whatever was tried before', async () => {
    const { email, accessToken } = await server.signUp()
    const dropped = await beginTotp(server, accessToken)
    const confirm = (app: { id: string; secret: string }) =>
      server.send(
        `mutation { confirmTotp(id: "${app.id}", code: "${codeOf(app.secret)}") { factor { id } } }`,
        {
          token: accessToken,
        },
      )
    const tries = Array.from({ length: 8 }, () => confirm(dropped))
    const app = await beginTotp(server, accessToken)
    await Promise.all(tries)
    must(await confirm(app))
    expect((await mailsTo(server, email)).map(({ kind }) => kind)).toContain('factors-changed')
  })
})

describe('Five wrong factors after the right password', () => {
  it('are told by mail, once the challenge is dead (ASVS 5.0 6.3.5)', async () => {
    const account = await signUpWithTotp(server)
    const challenge = await challengeOf(server, account)
    const kinds = async () => (await mailsTo(server, account.email)).map(({ kind }) => kind)
    for (let tries = 0; tries < 4; tries++) await completeLogin(server, challenge, { recoveryCode: 'wrong' })
    expect(await kinds()).not.toContain('second-factor-failed')
    await completeLogin(server, challenge, { recoveryCode: 'wrong' })
    expect(await kinds()).toContain('second-factor-failed')
  })
})
