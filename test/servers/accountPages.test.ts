import { createServer } from 'node:http'
import { describe, expect, it } from '@jest/globals'
import express from 'express'
import { fastify } from 'fastify'
import { withoutInsides } from '../../src/auth.ts'
import { annulExpress } from '../../src/servers/express.ts'
import { annulFastify } from '../../src/servers/fastify.ts'
import { makeToken } from '../support/oneTimeLinks.ts'
import { useServer } from '../support/server.ts'
import { useFixture } from '../support/useFixture.ts'
import { listenWith } from './contract/listenWith.ts'

/* The pages behind the links in mails, in the servers of others: under a path, and behind parsers of the app. */

const server = useServer()
const auth = () => withoutInsides(server.auth)

const apps = {
  'annulExpress under a path': useFixture(() => {
    const app = express()
    app.use('/auth', annulExpress(auth()))
    return listenWith(createServer(app))
  }),
  'annulExpress behind a parser of forms': useFixture(() => {
    const app = express()
    app.use('/auth', express.urlencoded({ extended: true }), express.json(), annulExpress(auth()))
    return listenWith(createServer(app))
  }),
  'annulFastify with a prefix': useFixture(async () => {
    const app = fastify()
    await app.register(annulFastify, { auth: auth(), prefix: '/auth' })
    const url = await app.listen({ port: 0, host: '127.0.0.1' })
    return { url, close: () => app.close() }
  }),
}

describe.each(Object.keys(apps) as (keyof typeof apps)[])('%s', name => {
  const at = (path: string) => new URL(`${apps[name].url}/auth/account/${path}`)

  it('shows the page, whose form leads to the page, and carries it out once', async () => {
    const account = await server.signUp()
    const token = await makeToken(server, 'verify-email', account)
    const address = at(`verify-email?token=${token}`)
    const page = await fetch(address)
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'")
    const text = await page.text()
    const action = text.match(/action="([^"]+)"/)?.[1] ?? ''
    const target = new URL(action, address)
    expect(target.href).toBe(at('verify-email').href)

    const post = () => fetch(target, { method: 'POST', body: new URLSearchParams({ token }) })
    const first = await post()
    expect({ status: first.status, policy: first.headers.get('referrer-policy') }).toEqual({
      status: 200,
      policy: 'no-referrer',
    })
    expect(await first.text()).toContain('Your e-mail address is confirmed')
    expect((await post()).status).toBe(400)
  })

  it('refuses a foreign page, a field twice, other types and other methods', async () => {
    const token = await makeToken(server, 'verify-email', await server.signUp())
    const url = at('verify-email')
    const type = 'application/x-www-form-urlencoded'
    const statusOf = async (init: RequestInit) => (await fetch(url, init)).status
    const body = `token=${token}`
    const headers = { 'content-type': type }
    expect(
      await statusOf({ method: 'POST', headers: { ...headers, origin: 'https://evil.example' }, body }),
    ).toBe(403)
    expect(await statusOf({ method: 'POST', headers, body: `${body}&${body}` })).toBe(400)
    expect(await statusOf({ method: 'POST', headers: { 'content-type': 'text/plain' }, body })).toBe(415)
    expect(await statusOf({ method: 'PUT' })).toBe(405)
    expect(await statusOf({ method: 'POST', headers, body })).toBe(200)
  })
})
