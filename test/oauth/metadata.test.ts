import { request } from 'node:http'
import { beforeAll, describe, expect, it } from '@jest/globals'
import {
  allowInsecureRequests,
  ClientSecretBasic,
  type DiscoveryRequestOptions,
  discovery,
  None,
  tokenIntrospection,
  tokenRevocation,
} from 'openid-client'
import { freePort } from '../support/freePort.js'
import { useServer } from '../support/server.ts'
import { makeService } from './support.ts'

const metadataPath = '/.well-known/oauth-authorization-server'
const page = { origin: 'https://app.example.com', 'sec-fetch-site': 'cross-site' }
const own = useServer()
const named = useServer({
  env: { ANNUL_PUBLIC_URL: 'https://auth.example.com/a', ANNUL_ISSUER: 'https://auth.example.com/a' },
})

/** Asks with a Host of one's own, which fetch does not let through. */
function askAs(host: string): Promise<{ status: number | undefined; text: string }> {
  return new Promise((resolve, reject) => {
    const { port } = new URL(own.url)
    const sent = request({ host: '127.0.0.1', port, path: metadataPath, headers: { host } }, async answer => {
      const chunks: Buffer[] = []
      for await (const chunk of answer) chunks.push(chunk as Buffer)
      resolve({ status: answer.statusCode, text: Buffer.concat(chunks).toString() })
    })
    sent.on('error', reject).end()
  })
}

const endpointsAt = (base: string) => ({
  jwks_uri: `${base}/.well-known/jwks.json`,
  introspection_endpoint: `${base}/oauth/introspect`,
  revocation_endpoint: `${base}/oauth/revoke`,
  global_token_revocation_endpoint: `${base}/oauth/global-token-revocation`,
})

describe('the metadata', () => {
  it('say where everything is, from the public URL', async () => {
    const response = await fetch(named.url + metadataPath, { headers: page })
    expect(await response.json()).toEqual({
      issuer: 'https://auth.example.com/a',
      ...endpointsAt('https://auth.example.com/a'),
      response_types_supported: [],
      grant_types_supported: [],
      introspection_endpoint_auth_methods_supported: ['client_secret_basic', 'Bearer'],
      revocation_endpoint_auth_methods_supported: ['client_secret_basic', 'none'],
      global_token_revocation_endpoint_auth_methods_supported: ['client_secret_basic', 'Bearer'],
      annul_access_token_signing_alg_values_supported: ['ES256'],
    })
    const { headers } = response
    expect(headers.get('content-type')).toBe('application/json; charset=utf-8')
    expect(headers.get('cache-control')).toBe('public, max-age=30')
    expect(headers.get('access-control-allow-origin')).toBe('*')
  })

  it('say it from the host that the client has asked, where there is no public URL, and no cache keeps it', async () => {
    const response = await fetch(own.url + metadataPath)
    expect(await response.json()).toMatchObject({ issuer: 'annul', ...endpointsAt(own.url) })
    expect(response.headers.get('cache-control')).toBe('no-store')
    const { status, text } = await askAs('auth.example.com:8443')
    expect(status).toBe(200)
    expect(JSON.parse(text)).toMatchObject(endpointsAt('http://auth.example.com:8443'))
    expect(JSON.parse((await askAs('[::1]:80')).text)).toMatchObject(endpointsAt('http://[::1]:80'))
  })

  it.each(['evil.example.com/x?', 'user@evil.example.com', 'a"b', 'a b', '<x>'])(
    'are not there for the host %j, which could not stand in a URL',
    async host => {
      const { status, text } = await askAs(host)
      expect([404, 400]).toContain(status)
      expect(text).not.toContain('jwks_uri')
    },
  )

  it.each([metadataPath, '/.well-known/jwks.json'])(
    'of %s may be read by pages of all origins, also with headers that need a preflight',
    async path => {
      const preflight = await fetch(own.url + path, {
        method: 'OPTIONS',
        headers: {
          ...page,
          'access-control-request-method': 'GET',
          'access-control-request-headers': 'traceparent',
        },
      })
      expect(preflight.status).toBe(204)
      expect(Object.fromEntries(preflight.headers)).toMatchObject({
        'access-control-allow-origin': '*',
        'access-control-allow-methods': 'GET',
        'access-control-allow-headers': '*',
      })
      expect(preflight.headers.get('access-control-allow-credentials')).toBeNull()
      const read = await fetch(own.url + path, { headers: page })
      expect([read.status, read.headers.get('access-control-allow-origin')]).toEqual([200, '*'])
    },
  )
})

describe('openid-client', () => {
  let issuer: string
  const server = useServer(async () => {
    const port = String(await freePort())
    issuer = `http://127.0.0.1:${port}`
    return { env: { PORT: port, ANNUL_ISSUER: issuer } }
  })
  let service: Awaited<ReturnType<typeof makeService>>
  beforeAll(async () => {
    service = await makeService(server, 'introspect', 'revoke')
  })
  const options = { algorithm: 'oauth2', execute: [allowInsecureRequests] } satisfies DiscoveryRequestOptions

  it('discovers the server, and introspects and revokes by what it found', async () => {
    const { name, secret } = service
    const found = await discovery(new URL(issuer), name, undefined, ClientSecretBasic(secret), options)
    expect(found.serverMetadata()).toMatchObject({ issuer, ...endpointsAt(issuer) })
    const { accessToken, userId } = await server.signUp()
    expect(await tokenIntrospection(found, accessToken)).toMatchObject({
      active: true,
      sub: userId,
      iss: issuer,
    })
    await tokenRevocation(found, accessToken)
    expect(await tokenIntrospection(found, accessToken)).toMatchObject({
      ...{ active: false, annul_reason: 'SESSION_REVOKED' },
    })
  })

  it('revokes a refresh token as a public client', async () => {
    const found = await discovery(new URL(issuer), 'app', undefined, None(), options)
    const { refreshToken } = await server.signUp()
    await tokenRevocation(found, refreshToken, { token_type_hint: 'refresh_token' })
    expect(await server.refresh(refreshToken)).toMatchObject({ reason: 'LOGGED_OUT' })
  })

  it('is told what is wrong', async () => {
    const found = await discovery(new URL(issuer), service.name, undefined, ClientSecretBasic('x'), options)
    await expect(tokenIntrospection(found, 'x')).rejects.toMatchObject({ status: 401 })
  })
})
