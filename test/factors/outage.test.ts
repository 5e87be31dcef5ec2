import { afterAll, describe, expect, it, jest } from '@jest/globals'
import { must } from '../support/answers.ts'
import { onPostgres } from '../support/database.ts'
import { challengeOf, codeOf, completeLogin, reauthenticateWith, signUpWithTotp } from '../support/factors.ts'
import { startPostgres, type TestPostgres } from '../support/postgres.js'
import { useServer } from '../support/server.ts'
import { until } from '../support/until.ts'

jest.setTimeout(60_000)

// The embedded database lives and dies with its node.
const describePostgres = onPostgres ? describe : describe.skip

describePostgres('While PostgreSQL is stopped,', () => {
  let postgres: TestPostgres
  const server = useServer(async () => {
    postgres = await startPostgres()
    await postgres.createDatabase('outage')
    return { database: { env: { DATABASE_URL: postgres.urlOf('outage') } } }
  })
  afterAll(() => postgres.stop())

  it('a second factor is neither right nor wrong: the same challenge and the same code work afterwards', async () => {
    const account = await signUpWithTotp(server)
    const challenge = await challengeOf(server, account)
    await postgres.halt()
    // More often than a challenge takes wrong codes.
    for (let tries = 0; tries < 6; tries++) {
      const answer = await completeLogin(server, challenge, { totp: codeOf(account.secret) })
      expect([answer.status, answer.code]).toEqual([503, 'UNAVAILABLE'])
    }
    const proof = await reauthenticateWith(server, account.tokens.accessToken, {
      totp: codeOf(account.secret),
    })
    expect([proof.status, proof.code]).toEqual([503, 'UNAVAILABLE'])

    await postgres.start()
    await until(
      () => fetch(`${server.url}/readyz`),
      ({ status }) => status === 200,
    )
    must(await completeLogin(server, challenge, { totp: codeOf(account.secret) }))
    must(
      await reauthenticateWith(server, account.tokens.accessToken, {
        recoveryCode: account.recoveryCodes[0],
      }),
    )
  })
})
