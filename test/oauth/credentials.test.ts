import { request } from 'node:http'
import { beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { endService } from '../../src/services/endService.ts'
import { makeServiceSecret } from '../../src/tokens/serviceSecret.ts'
import { limited, newAddress, refusedBy } from '../limits/support.ts'
import { useServer } from '../support/server.ts'
import { basic, bearer, introspect, makeService, post, refused, type TestService } from './support.ts'

const server = useServer()
let service: TestService
let token: string
beforeAll(async () => {
  service = await makeService(server, 'introspect')
  token = (await server.signUp()).accessToken
})
const path = '/oauth/introspect'
const ask = (headers: Record<string, string>) => post(server, path, { token }, headers)
const challenge = 'Basic realm="annul", charset="UTF-8", Bearer realm="annul"'

describe('a service', () => {
  it('may show its secret as a Bearer token, or by Basic with its name', async () => {
    const { name, secret } = service
    for (const headers of [
      bearer(service),
      { authorization: `bearer  ${secret}` },
      basic(name, secret),
      // RFC 6749, 2.3.1: both are form-encoded.
      basic(name.replaceAll('-', '%2D'), secret.replaceAll('_', '%5F')),
    ])
      expect((await ask(headers)).body).toMatchObject({ active: true })
  })

  it('needs the right that it uses', async () => {
    for (const [other, wrong] of [
      [await makeService(server, 'feed', 'revoke'), '/oauth/introspect'],
      [await makeService(server, 'feed', 'introspect'), '/oauth/revoke'],
    ] as const) {
      const answer = await post(server, wrong, { token }, bearer(other))
      expect(answer).toMatchObject(refused(403, 'insufficient_scope'))
      expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="annul", error="insufficient_scope"')
    }
    expect((await introspect(server, service, token)).body).toMatchObject({ active: true })
  })

  it('that has ended is refused as one that never was', async () => {
    const ended = await makeService(server, 'introspect')
    expect((await introspect(server, ended, token)).status).toBe(200)
    await endService(server.auth.parts, ended)
    expect(await introspect(server, ended, token)).toMatchObject(refused(401, 'invalid_client'))
  })
})

it('Every wrong credential gets one and the same answer, whether or not the name is there', async () => {
  const { name, secret } = service
  const other = await makeService(server, 'introspect')
  const wrong: Record<string, string>[] = [
    {},
    bearer({ secret: makeServiceSecret() }),
    bearer({ secret: `${secret}A` }),
    bearer({ secret: token }),
    basic(name, makeServiceSecret()),
    basic('nobody', makeServiceSecret()),
    // Another service's secret, and the right secret under another name or none.
    basic(name, other.secret),
    basic('nobody', secret),
    basic('', secret),
    basic(`${name}:x`, secret),
    basic('%', secret),
    { authorization: 'Basic' },
    { authorization: `Basic ${Buffer.from(secret).toString('base64')}` },
    { authorization: secret },
    { authorization: `Digest ${secret}` },
    { authorization: `Bearer ${secret} x` },
    { authorization: `Bearer ${secret}, Bearer x` },
  ]
  const answers = await Promise.all(wrong.map(ask))
  const seen = new Set(
    answers.map(({ status, body, headers }) =>
      JSON.stringify([
        status,
        body,
        headers.get('www-authenticate'),
        headers.get('access-control-allow-origin'),
      ]),
    ),
  )
  expect([...seen].map(text => JSON.parse(text))).toEqual([
    [
      401,
      {
        error: 'invalid_client',
        error_description:
          "A service's secret is needed: as a Bearer token, or by Basic with the service's name.",
      },
      challenge,
      null,
    ],
  ])
})

describe('a secret or a token in the wrong place is refused:', () => {
  it('in the URL, the right one too', async () => {
    const { name, secret } = service
    for (const query of [
      `client_id=${name}&client_secret=${secret}`,
      `access_token=${secret}`,
      `token=${token}`,
    ])
      for (const headers of [{}, bearer(service)])
        expect(await post(server, `${path}?${query}`, { token }, headers)).toMatchObject(
          refused(400, 'invalid_request'),
        )
  })

  it('in the body, beside the right header too', async () => {
    const { name, secret } = service
    const form = { token, client_id: name, client_secret: secret }
    expect(await post(server, path, form)).toMatchObject(refused(401, 'invalid_client'))
    expect(await post(server, path, form, bearer(service))).toMatchObject(refused(400, 'invalid_request'))
    expect(await post(server, '/oauth/revoke', form)).toMatchObject(refused(400, 'invalid_request'))
    expect((await server.send('{ me { id } }', { token })).errors).toBeUndefined()
  })

  it('as a service’s secret in place of a user’s token', async () => {
    expect(await server.send('{ me { id } }', { token: service.secret })).toMatchObject({
      ...{ status: 401, reason: 'TOKEN_INVALID' },
    })
  })
})

describe('a request of another form is refused:', () => {
  it.each<[string, string | [string, string][], string | undefined, number]>([
    ['without a token', [], undefined, 400],
    ['with an empty token', [['token', '']], undefined, 400],
    [
      'with two tokens',
      [
        ['token', 'a'],
        ['token', 'b'],
      ],
      undefined,
      400,
    ],
    ['as JSON', '{"token":"x"}', 'application/json', 415],
    ['as text', 'token=x', 'text/plain', 415],
    ['as multipart', 'token=x', 'multipart/form-data; boundary=x', 415],
    ['of no type', 'token=x', '', 415],
    ['that is too large', `token=${'x'.repeat(20_000)}`, undefined, 413],
  ])('%s', async (_, body, type, status) => {
    const headers = { ...bearer(service), ...(type !== undefined && { 'content-type': type }) }
    expect(await post(server, path, body, headers)).toMatchObject(refused(status, 'invalid_request'))
  })

  it('by any other method, preflights of browsers too, and no answer has a header of CORS', async () => {
    const origin = { origin: 'https://evil.example.com', 'access-control-request-method': 'POST' }
    for (const url of ['/oauth/introspect', '/oauth/revoke', '/oauth/global-token-revocation']) {
      for (const method of ['GET', 'OPTIONS', 'PUT', 'PATCH', 'DELETE', 'HEAD']) {
        const { status, headers } = await fetch(server.url + url, { method, headers: origin })
        expect([url, method, status, headers.get('allow')]).toEqual([url, method, 405, 'POST'])
        expect([...headers.keys()].filter(name => name.startsWith('access-control'))).toEqual([])
      }
    }
    const answer = await ask({ ...bearer(service), ...origin, 'sec-fetch-site': 'cross-site' })
    expect([...answer.headers.keys()].filter(name => name.startsWith('access-control'))).toEqual([])
  })

  it('and nothing of it comes back in a header or a body', async () => {
    const marks = 'x"\\r\\n-injected'
    const texts = [
      ...[await ask(basic(marks, marks)), await ask({ authorization: `Bearer "${marks}"` })],
      await post(server, path, { token: marks, [marks]: marks }, bearer(service)),
    ].map(({ headers, body }) => JSON.stringify([[...headers], body]))
    expect(texts.filter(text => text.includes('injected'))).toEqual([])
    // Node refuses a line break in a header before it is sent; a raw one is no HTTP.
    expect(() => request(server.url, { headers: { authorization: 'Bearer x\r\ninjected: 1' } })).toThrow()
  })
})

describe('wrong secrets of one address', () => {
  const limitedServer = useServer({ env: limited })
  it('are refused after 30, and a right one never', async () => {
    const right = await makeService(limitedServer, 'introspect')
    const user = await limitedServer.signUp()
    const from = { 'x-forwarded-for': newAddress() }
    const statuses: number[] = []
    for (let tries = 0; tries < 33; tries++) {
      const wrong = { ...bearer({ secret: makeServiceSecret() }), ...from }
      const answer = await post(limitedServer, path, { token: user.accessToken }, wrong)
      statuses.push(answer.status)
      if (answer.status === 429) {
        expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
        expect(answer.body).toMatchObject({ error: 'temporarily_unavailable' })
      }
    }
    expect(statuses.slice(0, 30)).toEqual(Array(30).fill(401))
    // Time may have given one back meanwhile.
    expect(statuses.slice(30)).toContain(429)
    expect(await refusedBy(limitedServer, 'service-secret')).toBeGreaterThan(0)
    const answer = await post(limitedServer, path, { token: user.accessToken }, { ...bearer(right), ...from })
    expect(answer.body).toMatchObject({ active: true })
  })
})

it('One service takes half of the places at most, and the others are answered meanwhile', async () => {
  const { openPlaces } = await import('../../src/oauth/places.ts')
  const places = openPlaces(2)
  let finish = () => {}
  const work = () => new Promise<string>(resolve => (finish = () => resolve('done')))
  const first = places.within('a', work)
  const release = finish
  const second = places.within('a', work)
  await expect(places.within('a', work)).rejects.toMatchObject({ status: 429, retryAfter: 1 })
  expect(await places.within('b', async () => 'b')).toBe('b')
  release()
  await first
  expect(await places.within('a', async () => 'again')).toBe('again')
  finish()
  await second
  await expect(places.within('a', () => Promise.reject(new Error('It failed.')))).rejects.toThrow(
    'It failed.',
  )
  // A failure has given its place back.
  expect(await Promise.all([1, 2].map(each => places.within('a', async () => each)))).toEqual([1, 2])
})

it('No secret of a service stands in the database', async () => {
  const [row] = await server.rows<{ found: string }>(
    sql`select (select string_agg(s::text, '') from annul.service_secrets s) ||
        (select string_agg(e::text, '') from annul.audit_events e) as found`,
  )
  expect(row?.found).not.toContain(service.secret.slice(9))
})
