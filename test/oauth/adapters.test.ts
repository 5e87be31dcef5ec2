import { describe, expect, it } from '@jest/globals'
import express from 'express'
import { fastify } from 'fastify'
import { annulExpress } from '../../src/servers/express.ts'
import { annulFastify } from '../../src/servers/fastify.ts'
import { listenWith } from '../servers/contract/listenWith.ts'
import { openAppAuth, useClosing } from '../servers/support.ts'
import { createClient } from '../support/client.ts'
import { useFixture } from '../support/useFixture.ts'
import { introspect, makeService, post, refused, revokeSubject } from './support.ts'

/* The protocols of OAuth in somebody else's server. */

const annul = useFixture(() => openAppAuth())
const closeLater = useClosing()

const apps: Record<string, () => Promise<string>> = {
  'annulExpress under a path, behind parsers of the app': async () => {
    const app = express()
    app.use(express.json(), express.urlencoded({ extended: true }))
    app.use('/auth', annulExpress(annul.auth))
    const { url, close } = await listenWith(app)
    closeLater(close)
    return `${url}/auth`
  },
  'annulFastify with a prefix': async () => {
    const app = fastify()
    closeLater(() => app.close())
    await app.register(annulFastify, { auth: annul.auth, prefix: '/auth' })
    return `${await app.listen({ host: '127.0.0.1', port: 0 })}/auth`
  },
}

describe.each(Object.entries(apps))('%s', (_, listen) => {
  it('has the metadata with the path around it, introspection and both revocations', async () => {
    const url = await listen()
    const metadata = await fetch(`${url}/.well-known/oauth-authorization-server`).then(
      answer => answer.json() as Promise<Record<string, string>>,
    )
    expect(metadata).toMatchObject({
      jwks_uri: `${url}/.well-known/jwks.json`,
      introspection_endpoint: `${url}/oauth/introspect`,
    })
    const preflight = await fetch(metadata.jwks_uri ?? '', {
      method: 'OPTIONS',
      headers: { origin: 'https://app.example.com', 'access-control-request-method': 'GET' },
    })
    expect(preflight.headers.get('access-control-allow-origin')).toBe('*')

    const service = await makeService({ auth: annul.opened } as never, 'introspect', 'revoke')
    const account = await createClient(url).signUp()
    const other = await createClient(url).signUp()
    expect((await introspect({ url }, service, account.accessToken)).body).toMatchObject({
      ...{ active: true, sub: account.userId },
    })
    expect((await post({ url }, '/oauth/revoke', { token: account.refreshToken })).status).toBe(200)
    const sub_id = { format: 'opaque', id: other.userId }
    expect((await revokeSubject({ url }, service, { sub_id })).status).toBe(204)
    for (const { accessToken } of [account, other])
      expect((await introspect({ url }, service, accessToken)).body).toMatchObject({ active: false })
    const twice: [string, string][] = [
      ['token', 'a'],
      ['token', 'b'],
    ]
    const headers = { authorization: `Bearer ${service.secret}` }
    expect(await post({ url }, '/oauth/introspect', twice, headers)).toMatchObject(
      refused(400, 'invalid_request'),
    )
    expect((await fetch(`${url}/oauth/introspect`)).status).toBe(405)
  })
})
