import { readdirSync, statSync } from 'node:fs'
import { get } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from '@jest/globals'
import { root } from '../support/imports.ts'
import { type TestServer, useServer } from '../support/server.ts'
import { until } from '../support/until.ts'

/* The console as files over HTTP. What it does in a browser: test/console/. */

const browser = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; " +
  "worker-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
const files = readdirSync(join(root, 'dist/console/console')).map(name => name.replace(/\.gz$/, ''))
const sizeOf = (name: string) => statSync(join(root, 'dist/console/console', `${name}.gz`)).size
const script = files.find(name => /^index-.*\.js$/.test(name)) ?? ''

/** Without what fetch adds and undoes: the path as it is, and the bytes as they come. */
function getRaw(server: TestServer, path: string, headers: Record<string, string> = {}) {
  return new Promise<{ status: number; headers: Record<string, unknown>; body: Buffer }>(
    (resolve, reject) => {
      get(`${server.url}/`, { path, headers }, response => {
        const chunks: Buffer[] = []
        response.on('data', chunk => chunks.push(chunk))
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks),
          }),
        )
      }).on('error', reject)
    },
  )
}

describe('The console', () => {
  const server = useServer({ env: { ANNUL_SITE_NAME: '"><script>alert(1)</script>' } })

  it.each(['/', '/graphql', '/?from=elsewhere'])('is a page at %s, under a strict policy', async path => {
    const { status, headers, body } = await getRaw(server, path, browser)
    expect(status).toBe(200)
    expect(headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': policy,
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    })
    const html = body.toString()
    // A setting can't become markup, and no script stands in the page.
    expect(html).not.toContain('<script>')
    const loaded = [...html.matchAll(/\b(?:src|href)="([^"]*)"/g)].map(match => match[1] ?? '')
    expect(loaded.length).toBeGreaterThan(1)
    for (const url of loaded) {
      expect(url).toMatch(/^\.\/console\/[\w.-]+$/)
      expect((await getRaw(server, url.slice(1))).status).toBe(200)
    }
  })

  it('gives its files compressed to whoever takes that, for ever, and as they are to others', async () => {
    const zipped = await getRaw(server, `/console/${script}`, { 'accept-encoding': 'br, gzip' })
    expect(zipped.headers).toMatchObject({
      'content-type': 'text/javascript; charset=utf-8',
      'content-encoding': 'gzip',
      'cache-control': 'public, max-age=31536000, immutable',
      vary: 'accept-encoding',
    })
    const plain = await getRaw(server, `/console/${script}`, { 'accept-encoding': 'gzip;q=0' })
    expect(plain.headers['content-encoding']).toBeUndefined()
    expect(plain.body.equals(gunzipSync(zipped.body))).toBe(true)
  })

  it.each([
    `/console/${script}.gz`,
    '/console/',
    '/console/nothing.js',
    '/console/../index.html',
    '/console/..%2findex.html',
    '/console/..%2f..%2f..%2fpackage.json',
    '/console/%2fetc%2fpasswd',
    '/console/__proto__',
    '/console/constructor',
  ])('has nothing at %s', async path => {
    const { status, body } = await getRaw(server, path)
    expect({ status, code: JSON.parse(body.toString()).errors[0].extensions.code }).toEqual({
      status: 404,
      code: 'NOT_FOUND',
    })
  })

  it('tells what guards each field', async () => {
    const { body } = await getRaw(server, '/console/guards.json')
    expect(JSON.parse(body.toString())).toEqual(
      expect.arrayContaining([
        { field: 'Query.me', guard: [{}] },
        { field: 'Query.users', guard: [{ roles: ['admin'] }] },
        { field: 'Mutation.login', guard: [] },
      ]),
    )
  })
})

describe('Clients that read nothing', () => {
  const server = useServer({ env: { ANNUL_MAX_IN_FLIGHT: '3' } })

  it('keep no place of a request, and no copy of a file each', async () => {
    const largest = files.reduce((one, other) => (sizeOf(one) > sizeOf(other) ? one : other))
    const { hostname, port } = new URL(server.url)
    const sockets = Array.from({ length: 12 }, () => {
      const socket = connect(Number(port), hostname).pause()
      socket.write(`GET /console/${largest} HTTP/1.1\r\nhost: ${hostname}\r\n\r\n`.repeat(20))
      return socket
    })
    try {
      await until(() => sockets.every(socket => socket.bytesWritten > 0 && !socket.pending))
      const before = process.memoryUsage().arrayBuffers
      for (let times = 0; times < 20; times++)
        expect((await server.send('{ __typename }')).data).toEqual({ __typename: 'Query' })
      // 240 copies would be 600 MB.
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(100_000_000)
    } finally {
      for (const socket of sockets) socket.destroy()
    }
  })
})

describe('Without introspection', () => {
  const server = useServer({ env: { ANNUL_INTROSPECTION: 'off' } })

  it('the console does not tell what guards the fields', async () => {
    expect((await getRaw(server, '/', browser)).body.toString()).not.toContain('guards.json')
    expect((await getRaw(server, '/console/guards.json')).status).toBe(404)
  })
})

describe.each([
  ['with ANNUL_CONSOLE=off', { ANNUL_CONSOLE: 'off' }],
  ['in production', { NODE_ENV: 'production' }],
])('There is no console %s', (_, env) => {
  const server = useServer({ env })

  it('and none of its files', async () => {
    expect((await getRaw(server, '/', browser)).body.toString()).not.toContain('console')
    for (const path of [`/console/${script}`, '/console/guards.json'])
      expect((await getRaw(server, path)).status).toBe(404)
  })
})

describe('There is a console in production', () => {
  const server = useServer({ env: { NODE_ENV: 'production', ANNUL_CONSOLE: 'on' } })

  it('where it is asked for', async () => {
    const { headers } = await getRaw(server, '/graphql', browser)
    expect(headers['content-security-policy']).toBe(policy)
    // Introspection is off in production, so the page tells no guards.
    expect((await getRaw(server, '/console/guards.json')).status).toBe(404)
  })
})
