import { beforeAll, describe, expect, it } from '@jest/globals'
import { claimsOf } from '../../support/answers.ts'
import { openForge } from '../../support/forge.ts'
import type { ContractServer, SignedUp } from './server.ts'

/** `@auth`, and what resolvers may ask. */
export function guardCases(server: ContractServer): void {
  describe('@auth', () => {
    let ada: SignedUp
    beforeAll(async () => {
      ada = await server.signUp()
    })
    const ask = async (query: string, token?: string) => {
      const { status, data, errors = [] } = await server.send(query, token === undefined ? {} : { token })
      return { status, data, errors: errors.map(({ path, extensions }) => ({ path, ...extensions })) }
    }

    it('lets a signed-in user through, whom viewer() then names', async () => {
      expect(await ask('{ notes }', ada.accessToken)).toEqual({
        status: 200,
        data: { notes: ada.userId },
        errors: [],
      })
    })

    it('asks for any one of its roles', async () => {
      const required = { roles: ['editor', 'author'] }
      expect(await ask('{ edited }', ada.accessToken)).toEqual({
        status: 200,
        data: { edited: null },
        errors: [{ path: ['edited'], code: 'FORBIDDEN', required }],
      })
      for (const role of ['editor', 'author'])
        expect(await ask('{ edited }', await server.tokenWith(ada, [role]))).toMatchObject({
          data: { edited: 'edited' },
        })
    })

    it('asks for all scopes of one of its lists', async () => {
      const of = async (...scopes: string[]) =>
        (await ask('{ scoped }', await server.tokenWith(ada, [], scopes))).data
      expect(await of('notes:read')).toEqual({ scoped: null })
      expect(await of('notes:read', 'notes:write')).toEqual({ scoped: 'scoped' })
      expect(await of('notes:all')).toEqual({ scoped: 'scoped' })
    })

    it('asks for a recent proof of identity, which reauthenticate gives', async () => {
      const { accessToken } = await server.login(ada)
      expect(await ask('{ recent }', accessToken)).toMatchObject({ data: { recent: 'recent' } })
      const { auth_time } = claimsOf(accessToken)
      const aged = openForge(server, accessToken).make({ claims: { auth_time: Number(auth_time) - 301 } })
      expect(await ask('{ recent }', aged)).toEqual({
        status: 200,
        data: { recent: null },
        errors: [
          { path: ['recent'], code: 'REAUTHENTICATION_REQUIRED', maxAge: 300, recover: 'REAUTHENTICATE' },
        ],
      })
      const { data } = await server.send<{ reauthenticate: { accessToken: string } }>(
        `mutation { reauthenticate(password: "${ada.password}") { accessToken } }`,
        { token: aged },
      )
      expect(await ask('{ recent }', data?.reauthenticate.accessToken)).toMatchObject({
        data: { recent: 'recent' },
      })
    })

    it('asks for a second factor, which the claim amr tells', async () => {
      const { accessToken } = await server.login(ada)
      expect(await ask('{ strong }', accessToken)).toEqual({
        status: 200,
        data: { strong: null },
        errors: [
          { path: ['strong'], code: 'REAUTHENTICATION_REQUIRED', mfa: true, recover: 'REAUTHENTICATE' },
        ],
      })
      const proved = openForge(server, accessToken).make({ claims: { amr: ['pwd', 'otp', 'mfa'] } })
      expect(await ask('{ strong }', proved)).toMatchObject({ data: { strong: 'strong' } })
    })

    it('on a type guards every field that returns it, through lists too, beside the guards of its fields', async () => {
      const token = await server.tokenWith(ada, [])
      for (const field of ['vault', 'vaults'])
        expect(await ask(`{ news ${field} { gold } }`, token)).toEqual({
          status: 200,
          data: { news: 'It rains.', [field]: null },
          errors: [{ path: [field], code: 'FORBIDDEN', required: { roles: ['editor'] } }],
        })
      expect(await ask('{ vault { gold diamonds } }', await server.tokenWith(ada, ['editor']))).toEqual({
        status: 200,
        data: { vault: { gold: 3, diamonds: null } },
        errors: [{ path: ['vault', 'diamonds'], code: 'FORBIDDEN', required: { scopes: [['diamonds']] } }],
      })
    })

    it('on the result of a mutation keeps the mutation from being carried out', async () => {
      const before = server.app.carriedOut
      expect(await ask('mutation { openVault { gold } }')).toMatchObject({ status: 401 })
      const refused = await ask(
        'mutation { openVault { __typename } }',
        await server.tokenWith(ada, ['author']),
      )
      expect(refused).toMatchObject({ data: { openVault: null }, errors: [{ code: 'FORBIDDEN' }] })
      expect(server.app.carriedOut).toBe(before)
      await ask('mutation { openVault { gold } }', await server.tokenWith(ada, ['editor']))
      expect(server.app.carriedOut).toBe(before + 1)
    })

    it('stands beside viewerOrNull(), which a public field asks', async () => {
      const answer = (greeting: string | null) => ({ status: 200, data: { greeting }, errors: [] })
      expect(await ask('{ greeting }')).toEqual(answer('stranger'))
      expect(await ask('{ greeting }', `${ada.accessToken}x`)).toEqual(answer('stranger'))
      expect(await ask('{ greeting }', await server.tokenWith(ada, []))).toEqual(answer(ada.userId))
    })

    it('decides each root field of a mutation anew', async () => {
      const { accessToken } = await server.login(ada)
      const before = server.app.carriedOut
      expect(
        await ask('mutation { one: count revokeSessions two: count three: countPublic }', accessToken),
      ).toEqual({
        status: 200,
        data: { one: before + 1, revokeSessions: true, two: null, three: 0 },
        errors: [{ path: ['two'], code: 'UNAUTHENTICATED', reason: 'SESSIONS_REVOKED', recover: 'LOGIN' }],
      })
      expect(server.app.carriedOut).toBe(before + 1)
    })

    it('has no hole for aliases, fragments and lists of operations', async () => {
      const before = server.app.carriedOut
      const aliased = await ask(
        'mutation { a: count b: count ...more } fragment more on Mutation { c: count }',
      )
      expect(aliased).toMatchObject({ status: 401, data: { a: null, b: null, c: null } })
      const response = await fetch(`${server.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${ada.accessToken}` },
        body: JSON.stringify([{ query: '{ news }' }, { query: 'mutation { countPublic }' }]),
      })
      expect(await response.text()).not.toContain('It rains.')
      expect(response.status).toBeGreaterThanOrEqual(400)
      expect(server.app.carriedOut).toBe(before)
    })
  })
}
