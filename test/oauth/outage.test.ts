import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { makeServiceSecret } from '../../src/tokens/serviceSecret.ts'
import type { Account, TokensAnswer } from '../support/client.ts'
import { onPostgres } from '../support/database.ts'
import { startPostgres, type TestPostgres } from '../support/postgres.js'
import { useServer } from '../support/server.ts'
import { introspect, makeService, post, refused, revoke, revokeSubject, type TestService } from './support.ts'

// The embedded database lives and dies with its node.
const describePostgres = onPostgres ? describe : describe.skip

describePostgres('while PostgreSQL is stopped', () => {
  let postgres: TestPostgres
  let account: Account & TokensAnswer
  let service: TestService
  const server = useServer(async () => {
    postgres = await startPostgres()
    await postgres.createDatabase('oauth')
    // A lease that outlives the test: the view of the node is fresh, and must not be asked.
    return { database: { env: { DATABASE_URL: postgres.urlOf('oauth') } }, env: { ANNUL_LEASE_MS: '60000' } }
  })
  beforeAll(async () => {
    account = await server.signUp()
    service = await makeService(server, 'introspect', 'revoke')
    await introspect(server, service, account.accessToken)
    await postgres.halt()
  })
  afterAll(() => postgres.stop())

  it('nothing is answered but 503 with Retry-After: never that a token is dead, never that it lives', async () => {
    const { accessToken, refreshToken, userId } = account
    for (const answer of [
      // At first the node remembers the secret.
      await introspect(server, service, accessToken),
      await introspect(server, service, refreshToken),
      await revoke(server, service, accessToken),
      await revokeSubject(server, service, { sub_id: { format: 'opaque', id: userId } }),
      await post(server, '/oauth/revoke', { token: refreshToken }),
      await introspect(server, { secret: makeServiceSecret() }, accessToken),
    ]) {
      expect(answer).toMatchObject(refused(503, 'temporarily_unavailable'))
      expect(answer.headers.get('retry-after')).toBe('1')
      expect(answer.headers.get('www-authenticate')).toBeNull()
    }
    // The token decides alone where no query is needed.
    expect((await server.send('{ me { id } }', { token: accessToken })).data).toEqual({ me: { id: userId } })
  })
})
