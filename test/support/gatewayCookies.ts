import { expect } from '@jest/globals'
import { IDBFactory } from 'fake-indexeddb'
import { ask, createCookieJar } from '../client/support.ts'
import type { Life } from './gatewayLife.ts'

/** The origin of the page that uses the gateway by cookies (ANNUL_ALLOWED_ORIGINS). */
export const pageOrigin = 'https://shop.example'

/** A page: the refresh token is in a cookie that only Annul is sent. */
export async function expectCookieMode({ gateway, account, openSession }: Life): Promise<void> {
  const jar = createCookieJar(pageOrigin)
  // What a page has and Node has not.
  const page = globalThis as { document?: unknown; location?: unknown; indexedDB?: unknown }
  page.indexedDB = new IDBFactory()
  page.location = new URL('/app', gateway.url)
  page.document = {
    get cookie() {
      return jar.readable()
    },
  }
  const session = openSession(jar.fetch, { storage: 'cookie' })
  await session.login(account)
  expect([...jar.values.keys()].sort()).toEqual([
    '__Host-annul-device',
    '__Host-annul-refresh',
    '__Host-annul-session',
  ])
  await session.refresh()
  expect(await ask(session, `${gateway.url}/graphql`, '{ me { id } }')).toMatchObject({
    data: { me: { id: account.userId } },
  })
  // A page of another origin has the browser's cookies, and may not use them.
  const cookie = [...jar.values].map(([name, value]) => `${name}=${value}`).join('; ')
  const refresh = 'mutation { refresh { tokenType } }'
  const foreign = await gateway.send(refresh, { headers: { origin: 'https://evil.example', cookie } })
  expect(foreign.code).toBe('ORIGIN_NOT_ALLOWED')
  await session.logout()
  expect([...jar.values.keys()]).toEqual(['__Host-annul-device'])
  session.close()
  delete page.document
  delete page.location
  delete page.indexedDB
  const without = await gateway.send(refresh, { headers: { origin: pageOrigin } })
  expect(without.reason).toBe('TOKEN_MISSING')
}
