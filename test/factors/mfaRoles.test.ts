import { beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { claimsOf, must } from '../support/answers.ts'
import {
  challengeOf,
  codeOf,
  completeLogin,
  reauthenticateWith,
  signUpWithTotp,
  type TotpAccount,
} from '../support/factors.ts'
import { useServer } from '../support/server.ts'

/* An admin under ANNUL_MFA_ROLES=admin, who enrols an authenticator app, signs in with it and steps up. */

const server = useServer({ env: { ANNUL_MFA_ROLES: 'admin' } })
let admin: TotpAccount
beforeAll(async () => {
  admin = await signUpWithTotp(server)
  await server.rows(sql`update annul.users set roles = '{admin,editor}' where id = ${admin.userId}`)
})

const rolesOf = (token: string) => claimsOf(token).roles
/** What a field for admins answers: `yes`, or the code and what is wanted. */
const asked = async (token: string) => {
  const { data, errors } = await server.send('{ users { edges { cursor } } }', { token })
  const { code, mfa } = Object(errors?.[0]?.extensions)
  return data?.users ? 'yes' : [code, mfa]
}

describe('An admin who has an authenticator app', () => {
  it('is one in the session that the app has opened, and in its refreshes', async () => {
    const challenge = await challengeOf(server, admin)
    const totp = { totp: codeOf(admin.secret) }
    const tokens = must(await completeLogin(server, challenge, totp)).completeLogin
    expect([rolesOf(tokens.accessToken), await asked(tokens.accessToken)]).toEqual([
      ['admin', 'editor'],
      'yes',
    ])
    const next = must(await server.refresh(tokens.refreshToken)).refresh
    expect([rolesOf(next.accessToken), await asked(next.accessToken)]).toEqual([['admin', 'editor'], 'yes'])
  })

  it('is one for one access token, by a step-up of a session that a password has opened', async () => {
    const before = must(await server.refresh(admin.tokens.refreshToken)).refresh
    expect([rolesOf(before.accessToken), await asked(before.accessToken)]).toEqual([
      ['editor'],
      ['REAUTHENTICATION_REQUIRED', true],
    ])
    const recoveryCode = admin.recoveryCodes[0] ?? ''
    const proved = must(await reauthenticateWith(server, before.accessToken, { recoveryCode }))
    const { accessToken, refreshToken } = proved.reauthenticateWith
    expect([rolesOf(accessToken), await asked(accessToken)]).toEqual([['admin', 'editor'], 'yes'])
    // The former access token is what it was, and so is the session.
    expect(await asked(before.accessToken)).toEqual(['REAUTHENTICATION_REQUIRED', true])
    const next = must(await server.refresh(refreshToken)).refresh
    expect([rolesOf(next.accessToken), await asked(next.accessToken)]).toEqual([
      ['editor'],
      ['REAUTHENTICATION_REQUIRED', true],
    ])
  })

  it('is none by a password alone, however recent', async () => {
    const session = must(await server.refresh((await stepBack()).refreshToken)).refresh
    const { data } = await server.send<{ reauthenticate: { accessToken: string } }>(
      'mutation ($password: String!) { reauthenticate(password: $password) { accessToken } }',
      { token: session.accessToken, variables: { password: admin.password } },
    )
    expect(await asked(data?.reauthenticate.accessToken ?? '')).toEqual(['REAUTHENTICATION_REQUIRED', true])
  })

  /** A session that a password has opened: of a time before the app was enrolled. */
  async function stepBack() {
    const challenge = await challengeOf(server, admin)
    const recoveryCode = admin.recoveryCodes[1] ?? ''
    const tokens = must(await completeLogin(server, challenge, { recoveryCode })).completeLogin
    await server.rows(sql`update annul.sessions set amr = '{pwd}' where id = ${tokens.session.id}`)
    return tokens
  }
})
