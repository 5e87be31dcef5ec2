import { randomUUID } from 'node:crypto'
import { expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { must } from '../support/answers.ts'
import {
  beginTotp,
  confirmTotp,
  insertPasskey,
  loginWithFactor,
  makeRecoveryCodes,
  removeFactor,
  signUpWithTotp,
} from '../support/factors.ts'
import { emptied, mailFiles } from '../support/mails.ts'
import { useServer } from '../support/server.ts'

/*
 * An owner gets five warnings of a kind in an hour. Whoever could use them up by requests that change nothing would
 * change the factors afterwards without a mail.
 */

const server = useServer({ env: { ANNUL_LIMITS: 'on' } })

const told = async (email: string) => {
  await emptied(server)
  return (await mailFiles(server, email)).filter(({ kind }) => kind === 'factors-changed').length
}

it('A change of factors is told after many requests that changed nothing', async () => {
  const account = await signUpWithTotp(server)
  const { accessToken } = await loginWithFactor(server, account)
  const passkey = await insertPasskey(server, account.userId)
  await server.rows(sql`update annul.users set password_hash = null where id = ${account.userId}`)
  for (let round = 0; round < 6; round++) {
    expect(must(await removeFactor(server, accessToken, randomUUID()))).toEqual({ removeFactor: false })
    expect((await removeFactor(server, account.tokens.accessToken, account.factorId)).data).toBeNull()
    expect((await removeFactor(server, accessToken, passkey)).reason).toBe('LAST_WAY_IN')
    expect((await makeRecoveryCodes(server, account.tokens.accessToken)).data).toBeNull()
  }
  expect(await told(account.email)).toBe(1)
  must(await removeFactor(server, accessToken, account.factorId))
  expect(await told(account.email)).toBe(2)
})

it('A factor is told after enrolments that may not end', async () => {
  const { accessToken, userId, email } = await server.signUp()
  const app = await beginTotp(server, accessToken)
  const passkey = await insertPasskey(server, userId)
  for (let round = 0; round < 6; round++)
    expect((await confirmTotp(server, accessToken, app)).code).toBe('REAUTHENTICATION_REQUIRED')
  await server.rows(sql`delete from annul.factors where id = ${passkey}`)
  must(await confirmTotp(server, accessToken, app))
  expect(await told(email)).toBe(1)
})
