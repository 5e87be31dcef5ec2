import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { type ClientServer, createNetwork, openSession, startClientServer } from './support.ts'

/*
 * A browser tells a page of a foreign origin as little as it can: fetch rejects with a TypeError, as if the server were
 * away. This network does the same: it sends with the page's Origin, and shows only what CORS allows.
 */

const page = globalThis as { document?: unknown; location?: unknown }
const foreign = 'https://app.example.com'

let server: ClientServer
let listed: ClientServer
beforeAll(async () => {
  server = await startClientServer()
  listed = await startClientServer({ env: { ANNUL_ALLOWED_ORIGINS: 'https://other.example.com' } })
})
afterAll(async () => {
  await server.close()
  await listed.close()
})
afterEach(() => {
  delete page.location
  delete page.document
})

/** What a page of this origin is shown. */
function fetchFrom(origin: string): typeof fetch {
  return async (input, init) => {
    const request = new Request(input, init)
    request.headers.set('origin', origin)
    const response = await fetch(request)
    const isSame = new URL(request.url).origin === origin
    if (isSame || response.headers.get('access-control-allow-origin') === origin) return response
    await response.text()
    throw new TypeError('Failed to fetch')
  }
}

async function loginFrom(node: ClientServer, origin: string, options: { cookie?: boolean } = {}) {
  const account = await node.signUp()
  page.location = new URL('/app', origin)
  if (options.cookie) page.document = { cookie: '' }
  const session = openSession({
    endpoint: node.endpoint,
    ...(!options.cookie && { storage: new Map<string, string>() }),
    fetch: fetchFrom(origin),
    retryMs: 0,
  })
  return session.login(account).catch(error => error)
}

describe('the error of a request from a page', () => {
  test('of a foreign origin that the server does not allow names the setting and the origin', async () => {
    for (const node of [server, listed])
      expect(await loginFrom(node, foreign)).toMatchObject({
        code: 'UNAVAILABLE',
        message: `The service cannot be reached. Please try again. ANNUL_ALLOWED_ORIGINS must name ${foreign}.`,
        cause: new TypeError('Failed to fetch'),
      })
  })

  test('that the server refuses readably names them too', async () => {
    // The server's own page, but its list, which has no place for it, is what counts.
    expect(await loginFrom(listed, listed.url, { cookie: true })).toMatchObject({
      code: 'ORIGIN_NOT_ALLOWED',
      message: `The cookie may not be used from this origin. ANNUL_ALLOWED_ORIGINS must name ${listed.url}.`,
    })
  })

  test('of the server’s own origin, or of no page at all, does not: then the server is away', async () => {
    const network = createNetwork()
    const login = async () => {
      const account = await server.signUp()
      const options = { endpoint: server.endpoint, storage: new Map(), fetch: network.fetch, retryMs: 0 }
      network.fail('login(', 'lost')
      return openSession(options)
        .login(account)
        .catch(error => error)
    }
    const expected = { message: 'The service cannot be reached. Please try again.' }
    expect(await login()).toMatchObject(expected)
    page.location = new URL('/app', server.url)
    expect(await login()).toMatchObject(expected)
  })
})
