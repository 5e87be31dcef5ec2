import { beforeAll, describe, expect, it } from '@jest/globals'
import { mistake } from './app.ts'
import type { ContractServer, SignedUp } from './server.ts'

/** Statuses, headers, and what a client is told of an error. */
export function errorCases(server: ContractServer): void {
  describe('errors', () => {
    let ada: SignedUp
    beforeAll(async () => {
      ada = await server.signUp()
    })

    it('about the token are 401 with WWW-Authenticate, code, reason and recover', async () => {
      const missing = await server.send('{ me { id } }')
      expect(missing).toMatchObject({ status: 401, data: null })
      expect(missing.errors).toEqual([
        {
          message: 'You are not signed in.',
          path: ['me'],
          locations: [{ line: 1, column: 3 }],
          extensions: { code: 'UNAUTHENTICATED', reason: 'TOKEN_MISSING', recover: 'LOGIN' },
        },
      ])
      expect(missing.headers.get('www-authenticate')).toBe('Bearer realm="annul"')

      const forged = await server.send('{ me { id } notes }', {
        token: `${ada.accessToken.slice(0, -4)}AAAA`,
      })
      expect(forged).toMatchObject({ status: 401, data: null, reason: 'TOKEN_INVALID' })
      expect(forged.headers.get('www-authenticate')).toBe(
        'Bearer realm="annul", error="invalid_token", error_description="The token is not valid."',
      )
    })

    it('about the token are 401 also where every root field is null', async () => {
      const { status, data, errors } = await server.send('{ notes edited }')
      expect({ status, data }).toEqual({ status: 401, data: { notes: null, edited: null } })
      expect(errors?.map(({ path }) => path)).toEqual([['notes'], ['edited']])
    })

    it.each([
      ['notes', 'UNAUTHENTICATED'],
      ['busy', 'TOO_MANY_REQUESTS'],
    ])('beside data are 200 without a header: %s', async (field, code) => {
      const answer = await server.send(`{ news ${field} }`)
      expect(answer).toMatchObject({ status: 200, data: { news: 'It rains.', [field]: null }, code })
      for (const name of ['www-authenticate', 'retry-after']) expect(answer.headers.get(name)).toBeNull()
    })

    it('of two kinds are 200', async () => {
      const { status, data, errors } = await server.send('{ notes busy }')
      expect({ status, data }).toEqual({ status: 200, data: { notes: null, busy: null } })
      expect(errors?.map(({ extensions }) => extensions.code).sort()).toEqual([
        'TOO_MANY_REQUESTS',
        'UNAUTHENTICATED',
      ])
    })

    it('about too many requests are 429 with Retry-After', async () => {
      const { status, data, errors, headers } = await server.send('{ busy }')
      expect({ status, data }).toEqual({ status: 429, data: { busy: null } })
      expect(errors).toMatchObject([
        {
          message: 'Not so fast.',
          extensions: { code: 'TOO_MANY_REQUESTS', retryAfter: 7, recover: 'RETRY' },
        },
      ])
      expect(headers.get('retry-after')).toBe('7')
    })

    it('that nobody meant are told as an id, which the log carries', async () => {
      const { status, text } = await server.post('{ broken news }')
      expect(status).toBe(200)
      expect(text).not.toContain(mistake)
      const { data, errors } = JSON.parse(text)
      expect(data).toEqual({ broken: null, news: 'It rains.' })
      expect(errors).toEqual([
        {
          message: 'Something went wrong on the server.',
          path: ['broken'],
          locations: [{ line: 1, column: 3 }],
          extensions: { code: 'INTERNAL_SERVER_ERROR', id: expect.stringMatching(/^[0-9a-f-]{36}$/) },
        },
      ])
      const logged = server.errors.filter(({ id }) => id === errors[0].extensions.id)
      expect(logged).toMatchObject([{ msg: 'A request failed.', path: 'broken', err: { message: mistake } }])
    })

    it('with a code of the app’s own are told', async () => {
      const { errors } = await server.send('{ closed }')
      expect(errors).toMatchObject([
        { message: 'The shop is closed.', extensions: { code: 'CLOSED', until: 9 } },
      ])
    })

    it.each([
      ['a syntax error', '{ news', /^Syntax Error: /],
      ['an unknown field', '{ nothing }', /^Cannot query field "nothing" on type "Query"/],
      [
        'a missing variable',
        'query ($id: ID!) { user(id: $id) { id } }',
        /^Variable "\$id" of required type "ID!"/,
      ],
    ])('of graphql itself are told: %s', async (_, query, message) => {
      const { data, errors } = await server.send(query, { token: ada.accessToken })
      expect(data ?? null).toBeNull()
      expect(errors).toHaveLength(1)
      expect(errors?.[0]?.message).toMatch(message)
      expect(errors?.[0]?.extensions?.code).not.toBe('INTERNAL_SERVER_ERROR')
    })

    it.each([
      ['a document', '['.repeat(3000), {}],
      ['variables', '$ids', { ids: JSON.parse(`${'['.repeat(3000)}${']'.repeat(3000)}`) }],
    ])('about %s with thousands of levels are no failure of the server', async (_, value, variables) => {
      const before = server.errors.length
      const { text } = await server.post(`query ($ids: ID) { user(id: ${value}) { id } }`, {
        token: ada.accessToken,
        variables,
      })
      const { data, errors } = JSON.parse(text)
      expect(data ?? null).toBeNull()
      expect(errors).toHaveLength(1)
      expect(errors[0].message).not.toContain('call stack')
      expect(errors[0].extensions?.code).not.toBe('INTERNAL_SERVER_ERROR')
      expect(server.errors).toHaveLength(before)
    })
  })
}
