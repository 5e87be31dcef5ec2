import { beforeAll, describe, expect, it } from '@jest/globals'
import { bearerToken } from '../../src/request/bearerToken.ts'
import { type Forge, openForge, refusal } from '../support/forge.ts'
import { useServer } from '../support/server.ts'

/* Where a node looks for a token: in the Authorization header, and nowhere that ends up in logs and histories. */

const server = useServer()
let honest: string
let forge: Forge
beforeAll(async () => {
  honest = (await server.signUp()).accessToken
  forge = openForge(server, honest)
})

describe('the size of a token', () => {
  const ofScope = (length: number) => forge.make({ claims: { scope: 'x'.repeat(length) } })

  it('may be 6144 bytes and no more', async () => {
    let length = 4000
    while (ofScope(length + 1).length <= 6144) length++
    expect(await forge.present(ofScope(length))).toEqual(forge.accepted)
    expect(await forge.present(ofScope(length + 1))).toEqual(refusal())
    expect(await forge.present(ofScope(9000))).toEqual(refusal())
  })
})

describe('the text of an Authorization header', () => {
  it.each([
    ['Bearer token', 'token'],
    ['bearer token', 'token'],
    // RFC 7235, 2.1: one space or several.
    ['Bearer   token', 'token'],
    ['BEARER  token', 'token'],
    ['Bearer ', undefined],
    ['Bearer', undefined],
    ['Bearer token ', undefined],
    ['Bearer token token', undefined],
    [' Bearer token', undefined],
    ['BearerBearer token', undefined],
    ['token', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('of %j has the token %j', (authorization, token) => {
    expect(bearerToken(authorization)).toBe(token)
  })
})

describe('the place of a token', () => {
  const missing = refusal('TOKEN_MISSING', 'You are not signed in.')
  const ask = async (path: string, headers: Record<string, string> = {}, more: object = {}) => {
    const response = await fetch(`${server.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ query: '{ me { id } }', ...more }),
    })
    const { data, errors } = (await response.json()) as { data: unknown; errors: unknown }
    return { status: response.status, data, errors, challenge: response.headers.get('www-authenticate') }
  }

  it.each(['access_token', 'token', 'authorization', 'Authorization', 'bearer', 'jwt'])(
    'is never the URL (?%s=)',
    async name => {
      expect(await ask(`/graphql?${name}=${honest}`)).toEqual(missing)
      expect(await ask(`/graphql?${name}=Bearer%20${honest}`)).toEqual(missing)
      const query = encodeURIComponent('{ me { id } }')
      const response = await fetch(`${server.url}/graphql?query=${query}&${name}=${honest}`, {
        headers: { 'apollo-require-preflight': '1' },
      })
      expect(response.status).toBe(401)
      expect(await response.json()).toEqual({ data: missing.data, errors: missing.errors })
    },
  )

  it('is never the body, a cookie or another header', async () => {
    const places = { access_token: honest, token: honest, authorization: `Bearer ${honest}` }
    expect(await ask('/graphql', {}, { ...places, extensions: places })).toEqual(missing)
    for (const [name, value] of Object.entries(places)) {
      expect(await ask('/graphql', { cookie: `${name}=${encodeURIComponent(value)}` })).toEqual(missing)
      if (name !== 'authorization') expect(await ask('/graphql', { [name]: value })).toEqual(missing)
    }
    const others = { 'x-access-token': honest, 'proxy-authorization': `Bearer ${honest}` }
    expect(await ask('/graphql', others)).toEqual(missing)
  })

  it.each([
    'Basic',
    'Digest',
    'Token',
    'DPoP',
    'JWT',
    'Negotiate',
    'Bearer:',
    'BearerX',
    'Bearer Bearer',
    '',
  ])('is no other scheme than Bearer: %p', async scheme => {
    expect(await ask('/graphql', { authorization: `${scheme} ${honest}` })).toEqual(missing)
  })

  it('is the scheme Bearer in any case (RFC 9110, 11.1), with one token', async () => {
    for (const scheme of ['Bearer', 'bearer', 'BEARER'])
      expect(await ask('/graphql', { authorization: `${scheme} ${honest}` })).toEqual(forge.accepted)
    for (const rest of ['', ' ', ` ${honest} ${honest}`, `${honest}`])
      expect(await ask('/graphql', { authorization: `Bearer${rest}` })).toEqual(missing)
    expect(await ask('/graphql', { authorization: `Bearer ${honest},Bearer ${honest}` })).toEqual(missing)
  })
})
