import { describe, expect, it } from '@jest/globals'
import { fastify } from 'fastify'
import { annulFastify } from '../../src/servers/fastify.ts'
import { openAppAuth, useClosing } from '../servers/support.ts'
import { useServer } from '../support/server.ts'

/* What every answer tells a browser: nothing in it may load, frame or guess anything. */

const server = useServer({ env: { ANNUL_ALLOWED_ORIGINS: 'https://app.example' } })
const closing = useClosing()

const strict = {
  'content-security-policy': "default-src 'none';base-uri 'none';form-action 'none';frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'strict-transport-security': 'max-age=31536000',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
}
const post = (body: string, headers = {}) => ({
  method: 'POST',
  headers: { 'content-type': 'application/json', ...headers },
  body,
})
const foreign = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }

describe('Every answer of the server has the strict headers:', () => {
  it.each<[string, string, RequestInit, number]>([
    ['GraphQL', '/graphql', post('{"query":"{ __typename }"}'), 200],
    ['a refusal of GraphQL', '/graphql', post('{"query":"{ nothing }"}'), 400],
    ['a body that is no JSON', '/graphql', post('{'), 400],
    ['a body that is too large', '/graphql', post(`{"query":"${'a'.repeat(100_000)}"}`), 413],
    ['a page of a foreign origin', '/graphql', post('{}', foreign), 403],
    ['keys', '/.well-known/jwks.json', {}, 200],
    ['health', '/healthz', {}, 200],
    ['metrics', '/metrics', {}, 200],
    ['nothing', '/nowhere', {}, 404],
  ])('%s', async (_, path, init, status) => {
    const response = await fetch(`${server.url}${path}`, init)
    expect(response.status).toBe(status)
    expect(Object.fromEntries(response.headers)).toMatchObject(strict)
  })

  it('the console, whose policy allows what it loads of its own host', async () => {
    const { headers } = await fetch(`${server.url}/graphql`, { headers: { accept: 'text/html' } })
    const { 'content-security-policy': policy, ...others } = strict
    expect(Object.fromEntries(headers)).toMatchObject(others)
    const own = /; (script|style|img|font|worker|connect)-src 'self'( 'unsafe-inline'| data:)?/g
    const told = headers.get('content-security-policy') ?? ''
    expect(told.match(own)?.length).toBe(6)
    expect(told.replace(own, '').replaceAll('; ', ';')).toBe(policy)
  })
})

it('An app’s own host is kept to HTTPS by the app alone', async () => {
  const { auth, close } = await openAppAuth()
  closing(close)
  const app = fastify()
  await app.register(annulFastify, { auth })
  closing(() => app.close())
  const { headers } = await fetch(`${await app.listen({ host: '127.0.0.1', port: 0 })}/healthz`)
  const { 'strict-transport-security': _, ...others } = strict
  expect(Object.fromEntries(headers)).toMatchObject(others)
  expect(headers.get('strict-transport-security')).toBeNull()
})
