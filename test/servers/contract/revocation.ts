import { describe, expect, it } from '@jest/globals'
import { accepted, me, unauthenticated } from '../../sessions/refresh/support.ts'
import { onPostgres } from '../../support/database.ts'
import { makeAdmin } from '../../support/server.ts'
import { type ContractServer, type Start, useContractServer } from './server.ts'

// The embedded database serves a single process.
const describePostgres = onPostgres ? describe : describe.skip

/** Kills, as the other node of the same database sees them. */
export function revocationCases(start: Start, first: ContractServer): void {
  describePostgres('when a revoking mutation has returned, another node', () => {
    const second = useContractServer(start, () => ({ beside: first, settings: { introspection: false } }))

    it('refuses the token at once, and the answer tells how long the wait was', async () => {
      const ada = await first.signUp()
      for (let round = 0; round < 5; round++) {
        const { accessToken } = await first.login(ada)
        expect(await me(second, accessToken)).toEqual(accepted(ada.userId))
        const { text, extensions } = await first.post('mutation { revokeSessions }', { token: accessToken })
        expect(await me(second, accessToken)).toEqual(unauthenticated('SESSIONS_REVOKED'))
        expect(JSON.parse(text).data).toEqual({ revokeSessions: true })
        expect(extensions).toEqual({ annul: { revokedOnAllNodesMs: expect.any(Number) } })
      }
    })

    it('refuses a blocked user, and tells a demoted one to refresh', async () => {
      const ada = await first.signUp()
      const admin = await first.signUp()
      await makeAdmin(first, admin.email)
      const { accessToken: token } = await first.login(admin)
      const access = `mutation { setUserAccess(id: "${ada.userId}", roles: ["editor"]) { id } }`
      expect((await first.send(access, { token })).errors).toBeUndefined()
      expect(await me(second, ada.accessToken)).toEqual(unauthenticated('ACCESS_CHANGED'))
      const { data } = await second.refresh(ada.refreshToken)
      const fresh = data?.refresh.accessToken ?? ''
      expect(await me(second, fresh)).toEqual(accepted(ada.userId))
      await first.send(`mutation { blockUser(id: "${ada.userId}") { id } }`, { token })
      expect(await me(second, fresh)).toEqual(unauthenticated('USER_BLOCKED'))
    })

    it('with introspection off tells nothing of the schema', async () => {
      for (const query of [
        '{ __schema { types { name } } }',
        '{ __type(name: "User") { name } }',
        '{ newz }',
      ]) {
        const { text } = await second.post(query)
        const { data, errors } = JSON.parse(text)
        expect(data ?? null).toBeNull()
        expect(errors).toHaveLength(1)
        expect(text).not.toMatch(/Did you mean|"news"/)
      }
      expect((await second.send('{ __typename news }')).data).toEqual({
        __typename: 'Query',
        news: 'It rains.',
      })
      expect((await first.send('{ __type(name: "User") { name } }')).data).toEqual({
        __type: { name: 'User' },
      })
    })
  })
}
