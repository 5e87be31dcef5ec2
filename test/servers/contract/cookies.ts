import { describe, expect, it } from '@jest/globals'
import {
  createBrowser,
  refreshCookie,
  sessionCookie,
  setCookies,
  tokensOf,
} from '../../sessions/refresh/browser.ts'
import { accepted, claimsOf, me, unauthenticated } from '../../sessions/refresh/support.ts'
import { type ContractOptions, type ContractServer, type Start, useContractServer } from './server.ts'

const fingerprintCookie = '__Host-annul-fingerprint'
const readable = ['Max-Age=15552000', 'Path=/', 'SameSite=Strict', 'Secure']
const hidden = ['HttpOnly', ...readable].sort()

/** The refresh token in a cookie, and access tokens that are bound to one. */
export function cookieCases(start: Start, first: ContractServer, beside: () => ContractOptions): void {
  describe('cookies', () => {
    const server = useContractServer(start, () => ({ ...beside(), settings: { bind: 'cookie' } }))

    it('hold the refresh token, its generation and the fingerprint', async () => {
      const browser = createBrowser(server)
      const { answer, refreshToken, session, accessToken } = await browser.register()
      expect(refreshToken).toBeNull()
      const cookies = setCookies(answer)
      expect(cookies.map(({ name, attributes }) => [name, attributes])).toEqual([
        [refreshCookie, hidden],
        [sessionCookie, readable],
        [fingerprintCookie, hidden],
      ])
      expect(browser.cookies.get(sessionCookie)).toBe(`${session.id}.1`)
      expect(claimsOf(accessToken).cnf).toEqual({ binding: expect.any(String) })

      const refreshed = await browser.refresh(browser.attempt())
      expect(tokensOf(refreshed, 'refresh')).toMatchObject({
        refreshToken: null,
        session: { id: session.id },
      })
      expect(setCookies(refreshed).map(({ name }) => name)).toEqual([refreshCookie, sessionCookie])
      expect(browser.cookies.get(sessionCookie)).toBe(`${session.id}.2`)
    })

    it('bind the access token to the browser', async () => {
      const browser = createBrowser(server)
      const { accessToken } = await browser.register()
      const { sub } = claimsOf(accessToken)
      const { status, data, errors } = await browser.send('{ me { id } }', { token: accessToken })
      expect({ status, data, errors }).toEqual(accepted(String(sub)))
      expect(await me(server, accessToken)).toEqual(unauthenticated('TOKEN_EXPIRED'))
    })

    it('are cleared by logout', async () => {
      const browser = createBrowser(server)
      await browser.register()
      const { data } = await browser.send('mutation { logout }')
      expect(data).toEqual({ logout: true })
      expect([...browser.cookies.keys()]).toEqual([fingerprintCookie])
    })

    it('are of no use to a page of a foreign origin', async () => {
      const browser = createBrowser(first)
      await browser.register()
      const { code, headers, data } = await browser.refresh(browser.attempt(), {
        origin: 'https://evil.example',
      })
      expect({ code, data: data ?? null }).toEqual({ code: 'ORIGIN_NOT_ALLOWED', data: null })
      expect(headers.getSetCookie()).toEqual([])
      expect(tokensOf(await browser.refresh(browser.attempt()), 'refresh').session.id).toEqual(
        expect.any(String),
      )
    })
  })
}
