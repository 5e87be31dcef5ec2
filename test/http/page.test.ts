import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { startTestServer, type TestServer } from '../support/server.ts'

/* What a browser shows of the server without its console: nothing of a third party, in production neither. */

const browser = { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' }

/** In production the console is off by itself. */
const consoleOff = { ANNUL_CONSOLE: 'off' }

const servers: TestServer[] = []
const mode = process.env.NODE_ENV
beforeAll(async () => {
  for (const nodeEnv of ['development', 'production']) {
    process.env.NODE_ENV = nodeEnv
    servers.push(
      await startTestServer({
        env: { NODE_ENV: nodeEnv, ...(nodeEnv === 'development' && consoleOff) },
      }),
    )
  }
})
afterAll(async () => {
  process.env.NODE_ENV = mode
  for (const server of servers) await server.close()
})

const ask = async (server: TestServer, path: string, headers: Record<string, string> = browser) => {
  const response = await fetch(server.url + path, { headers })
  return { status: response.status, headers: response.headers, text: await response.text() }
}

describe.each([
  ['development', 0],
  ['production', 1],
])('In %s', (_, index) => {
  const server = () => {
    const found = servers[index]
    if (!found) throw new Error('The server has not started.')
    return found
  }

  it.each(['/', '/graphql', '/?from=elsewhere', '/graphql?from=elsewhere'])(
    'a browser that opens %s sees a plain page that runs nothing and loads nothing',
    async path => {
      const { status, headers, text } = await ask(server(), path)
      expect({ status, type: headers.get('content-type') }).toEqual({
        status: 200,
        type: 'text/html; charset=utf-8',
      })
      expect(text).toContain('<code>/graphql</code>')
      expect(text).toContain('README.md')
      expect(text).not.toMatch(
        /<script|<link|<img|<iframe|<base|<meta http-equiv|javascript:|\son\w+=|@import|url\(/i,
      )
      expect(text).not.toMatch(/\b(src|href|action)=/i)

      const style = text.match(/<style>([\s\S]*)<\/style>/)?.[1] ?? ''
      const hash = createHash('sha256').update(style).digest('base64')
      expect(headers.get('content-security-policy')).toBe(
        `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
      )
      expect(headers.get('referrer-policy')).toBe('no-referrer')
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('x-frame-options')).toBe('DENY')
      expect(headers.get('cache-control')).toBe('no-store')
      expect(headers.get('vary')).toContain('accept')
    },
  )

  it('who is no browser finds nothing at /, and is told what /graphql wants', async () => {
    for (const headers of [{ accept: '*/*' }, { accept: 'application/json' }, {}]) {
      const root = await ask(server(), '/', headers as Record<string, string>)
      expect({ status: root.status, text: root.text }).toEqual({
        status: 404,
        text: '{"errors":[{"message":"There is nothing at this address.","extensions":{"code":"NOT_FOUND"}}]}',
      })
      const graphql = await ask(server(), '/graphql', headers as Record<string, string>)
      expect(graphql.status).toBe(400)
      expect(JSON.parse(graphql.text).errors[0].extensions.code).toBe('BAD_REQUEST')
    }
  })

  it('an operation in the URL is answered by GraphQL, in a browser too', async () => {
    const path = `/graphql?query=${encodeURIComponent('{ __typename }')}`
    const { status, text } = await ask(server(), path, { ...browser, 'apollo-require-preflight': '1' })
    expect({ status, body: JSON.parse(text) }).toEqual({
      status: 200,
      body: { data: { __typename: 'Query' } },
    })
    // Without a header that a foreign page can't set, it is not carried out.
    const followed = await ask(server(), path)
    expect(followed.status).toBe(400)
    expect(followed.text).toContain('Cross-Site Request Forgery')
  })

  it('nothing that is served names another host to load from', async () => {
    for (const path of ['/', '/graphql', '/healthz', '/readyz', '/.well-known/jwks.json', '/nothing']) {
      const { text } = await ask(server(), path)
      expect(text).not.toMatch(/cdn|apollographql\.com|unpkg|jsdelivr/i)
    }
  })
})
