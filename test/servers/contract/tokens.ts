import { beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import {
  accepted,
  claimsOf,
  me,
  newAttempt,
  refused,
  renewalProof,
  unauthenticated,
} from '../../sessions/refresh/support.ts'
import { wholeTokens } from '../../support/answers.ts'
import { openForge } from '../../support/forge.ts'
import type { ContractServer, SignedUp } from './server.ts'

/** What opens a session and keeps it. */
export function tokenCases(server: ContractServer): void {
  describe('tokens', () => {
    let ada: SignedUp
    beforeAll(async () => {
      ada = await server.signUp()
    })

    it('are issued by register and login, and say who sends a request', async () => {
      const email = `${crypto.randomUUID()}@example.com`
      const input = { email, password: 'a password of the contract' }
      const headers = {
        'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
      }
      for (const verb of ['register', 'login']) {
        const type = verb === 'login' ? 'LoginInput' : 'RegisterInput'
        const query = `mutation ($input: ${type}!) { ${verb}(input: $input) { ${wholeTokens} } }`
        const answer = await server.send(query, { variables: { input }, headers })
        expect({ status: answer.status, errors: answer.errors }).toEqual({ status: 200, errors: undefined })
        expect(answer.data?.[verb]).toMatchObject({
          tokenType: 'Bearer',
          expiresIn: 600,
          refreshToken: expect.stringMatching(/^annul_rt_/),
          session: { current: true, device: 'Firefox on Linux' },
          user: { email, roles: [], status: 'ACTIVE' },
        })
        expect(answer.headers.getSetCookie()).toEqual([])
        const { accessToken, user } = (answer.data as Record<string, SignedUp>)[verb] as SignedUp
        expect(await me(server, accessToken)).toEqual(accepted(user.id))
      }
    })

    it('are not issued for a wrong password, nor for bad input, which is named', async () => {
      const query = 'mutation ($input: LoginInput!) { login(input: $input) { accessToken } }'
      const wrong = await server.send(query, { variables: { input: { email: ada.email, password: 'no' } } })
      expect(wrong).toMatchObject({
        status: 200,
        data: null,
        errors: [{ extensions: { code: 'INVALID_CREDENTIALS' } }],
      })
      const bad = await server.send(query, { variables: { input: { email: 'nobody', password: 'no' } } })
      expect(bad.errors?.map(({ extensions }) => extensions)).toEqual([
        { code: 'BAD_USER_INPUT', argument: 'input.email', reason: 'EMAIL_INVALID' },
      ])
    })

    it('are refreshed by rotation; an attempt that is repeated gets the same answer', async () => {
      const { refreshToken, session } = await server.login(ada)
      const attempt = newAttempt()
      const first = await server.refresh(refreshToken, attempt)
      const again = await server.refresh(refreshToken, attempt)
      expect(first.data?.refresh.session.id).toBe(session.id)
      expect(first.data?.refresh.refreshToken).not.toBe(refreshToken)
      expect(again.data?.refresh.refreshToken).toBe(first.data?.refresh.refreshToken)
      expect(await me(server, first.data?.refresh.accessToken ?? '')).toEqual(accepted(ada.userId))
    })

    it('end with their session when a refresh token is used twice', async () => {
      const { refreshToken } = await server.login(ada)
      const { data } = await server.refresh(refreshToken)
      const stolen = await server.refresh(refreshToken)
      expect({ status: stolen.status, data: stolen.data, errors: stolen.errors }).toEqual(
        refused('REFRESH_REUSED'),
      )
      expect(await me(server, data?.refresh.accessToken ?? '')).toEqual(unauthenticated('REFRESH_REUSED'))
      expect(await server.refresh(data?.refresh.refreshToken ?? '')).toMatchObject({
        reason: 'REFRESH_REUSED',
      })
    })

    it('are renewed beside an answer for a client that asks, with the proof of its refresh token', async () => {
      const { accessToken, refreshToken, session } = await server.login(ada)
      // As if 401 seconds had passed: the last third of the token's life.
      await server.rows(sql`update annul.sessions set rotated_at = rotated_at - interval '401 s',
        last_used_at = last_used_at - interval '401 s' where id = ${session.id}`)
      const { iat, exp } = claimsOf(accessToken)
      const aged = openForge(server, accessToken).make({ claims: { iat: iat - 401, exp: exp - 401 } })
      const ask = (proof: string) =>
        server.post('{ me { id } }', { token: aged, headers: { 'annul-renew': proof } })
      const proof = renewalProof(refreshToken, aged)
      const { extensions } = await ask(proof)
      expect(extensions).toEqual({
        annul: { accessToken: expect.any(String), expiresIn: expect.any(Number) },
      })
      const { accessToken: renewed } = (extensions as { annul: SignedUp }).annul
      expect(await me(server, renewed)).toEqual(accepted(ada.userId))
      expect(claimsOf(renewed)).toMatchObject({ sid: session.id, sub: ada.userId })

      expect((await ask('A'.repeat(43))).extensions).toBeUndefined()
      expect((await server.post('{ me { id } }', { token: aged })).extensions).toBeUndefined()
    })

    it('end by logout, with the reason', async () => {
      const { accessToken } = await server.login(ada)
      expect((await server.send('mutation { logout }', { token: accessToken })).data).toEqual({
        logout: true,
      })
      expect(await me(server, accessToken)).toEqual(unauthenticated('LOGGED_OUT'))
    })
  })
}
