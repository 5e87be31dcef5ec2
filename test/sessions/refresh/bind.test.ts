import { createHash } from 'node:crypto'
import { beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { bindAddress, bindFingerprint } from '../../../src/tokens/binding.ts'
import { type Account, type TokensAnswer, tokenFields } from '../../support/client.ts'
import { type TestServer, useServer } from '../../support/server.ts'
import { setCookies } from './browser.ts'
import { accepted, bodyOf, claimsOf, me, newAttempt, refused, unauthenticated } from './support.ts'

const loginWith = `mutation ($input: LoginInput!) { login(input: $input) { ${tokenFields} } }`
const refreshWith = `mutation ($refreshToken: String!, $attempt: String) {
  refresh(refreshToken: $refreshToken, attempt: $attempt) { ${tokenFields} } }`

type Headers = Record<string, string>
const from = (address: string): Headers => ({ 'x-forwarded-for': address })

async function login(node: TestServer, { email, password }: Account, headers: Headers) {
  const variables = { input: { email, password } }
  const answer = await node.send<{ login: TokensAnswer }>(loginWith, { variables, headers })
  if (!answer.data) throw new Error(`The login failed: ${JSON.stringify(answer.errors)}`)
  return { ...answer.data.login, answer }
}

const refresh = (node: TestServer, refreshToken: string, headers: Headers, attempt = newAttempt()) =>
  node.send<{ refresh: TokensAnswer }>(refreshWith, { variables: { refreshToken, attempt }, headers })

describe('ANNUL_BIND=ip', () => {
  const server = useServer({
    env: { ANNUL_BIND: 'ip', ANNUL_TRUSTED_PROXIES: '127.0.0.1,10.1.0.0/16' },
  })
  let account: Account & TokensAnswer
  beforeAll(async () => {
    account = await server.signUp()
  })

  const here = '203.0.113.7'
  const addresses: [string, string, string, boolean][] = [
    ['the same IPv4 address', here, here, true],
    ['the same, behind one more trusted proxy', here, `${here}, 10.1.2.3`, true],
    ['the same, written as IPv6', here, `::ffff:${here}`, true],
    ['a neighbouring IPv4 address', here, '203.0.113.8', false],
    ['another IPv4 address', here, '198.51.100.9', false],
    ['an address that the sender claims', here, `${here}, 198.51.100.9`, false],
    ['no X-Forwarded-For: the proxy itself', here, '', false],
    ['something that is no address', here, 'unknown', false],
    ['the same IPv6 address', '2001:db8:1:2::1', '2001:db8:1:2::1', true],
    ['another host in the same /64', '2001:db8:1:2::1', '2001:db8:1:2:ffff:ffff:ffff:ffff', true],
    ['the same /64 in other letters', '2001:db8:1:2::1', '2001:0DB8:0001:0002:0:0:0:9', true],
    ['the next /64', '2001:db8:1:2::1', '2001:db8:1:3::1', false],
    ['another network that ends alike', '2001:db8:1:2::1', '2001:db9:1:2::1', false],
    ['IPv4 in place of IPv6', '2001:db8:1:2::1', here, false],
  ]
  it.each(addresses)('from %s: %s, then %s: %p', async (_, first, then, good) => {
    const { accessToken } = await login(server, account, from(first))
    const expected = good ? accepted(account.userId) : unauthenticated('TOKEN_EXPIRED')
    expect(await me(server, accessToken, from(then))).toEqual(expected)
    // The copy's use elsewhere has ended nothing.
    expect(await me(server, accessToken, from(first))).toEqual(accepted(account.userId))
  })

  it('lets an honest user change networks: a refresh binds anew, and the old token stays bound (ASVS 5.0 8.2.4)', async () => {
    const tokens = await login(server, account, from(here))
    const [home, train] = [from(here), from('198.51.100.9')]
    expect(await me(server, tokens.accessToken, train)).toEqual(unauthenticated('TOKEN_EXPIRED'))
    const { data } = await refresh(server, tokens.refreshToken, train)
    const token = data?.refresh.accessToken ?? ''
    expect(data?.refresh.session.id).toBe(tokens.session.id)
    expect(await me(server, token, train)).toEqual(accepted(account.userId))
    expect(await me(server, token, home)).toEqual(unauthenticated('TOKEN_EXPIRED'))
    expect(await me(server, tokens.accessToken, home)).toEqual(accepted(account.userId))
  })

  it('binds what a replay and reauthenticate return to the address that asks', async () => {
    const tokens = await login(server, account, from(here))
    const attempt = newAttempt()
    await refresh(server, tokens.refreshToken, from(here), attempt)
    const { data } = await refresh(server, tokens.refreshToken, from('198.51.100.9'), attempt)
    expect(claimsOf(data?.refresh.accessToken ?? '').cnf).toEqual({ binding: bindAddress('198.51.100.9') })

    const answer = await server.send<{ reauthenticate: TokensAnswer }>(
      `mutation ($password: String!) { reauthenticate(password: $password) { ${tokenFields} } }`,
      { token: tokens.accessToken, variables: { password: account.password }, headers: from(here) },
    )
    const again = answer.data?.reauthenticate.accessToken ?? ''
    expect(claimsOf(again).cnf).toEqual({ binding: bindAddress(here) })
  })

  it('does not carry the address: only its hash', async () => {
    const { accessToken } = await login(server, account, from(here))
    expect(claimsOf(accessToken).cnf).toEqual({ binding: bindAddress(here) })
    expect(JSON.stringify(claimsOf(accessToken))).not.toContain(here)
  })

  it.each([
    ['a link-local one with its zone', 'fe80::1%eth0', 'fe80::1'],
    ['IPv4 written as IPv6', '::ffff:203.0.113.7', '203.0.113.7'],
    ['an address with a port', '203.0.113.7:4711', '203.0.113.7'],
    ['an IPv6 one with brackets and a port', '[2001:db8::7]:4711', '2001:db8::7'],
  ])('never fails a login for how a proxy writes an address: %s', async (_, written, stored) => {
    const { session } = await login(server, account, from(written))
    const [row] = await server.rows(
      sql`select host(ip_address) as address from annul.sessions where id = ${session.id}`,
    )
    expect(row).toEqual({ address: stored })
  })

  it('refuses a token that is not bound at all, as from before the setting (ASVS 5.0 10.4.14)', async () => {
    const [user] = await server.rows<{ ver: number }>(
      sql`select token_version as ver from annul.users where id = ${account.userId}`,
    )
    const { iat, exp, epoch } = claimsOf(account.accessToken)
    const unbound = server.auth.parts.accessTokens.sign({
      sub: account.userId,
      sid: account.session.id,
      ver: user?.ver ?? 0,
      epoch: Number(epoch),
      roles: [],
      scope: '',
      auth_time: iat,
      iat: Math.floor(server.auth.parts.clock.now()),
      exp,
    })
    expect(await me(server, unbound)).toEqual(unauthenticated('TOKEN_EXPIRED'))
  })

  it('a stolen refresh token is still caught, from wherever it is used', async () => {
    const tokens = await login(server, account, from(here))
    const thief = from('198.51.100.66')
    const stolen = await refresh(server, tokens.refreshToken, thief)
    expect(await me(server, stolen.data?.refresh.accessToken ?? '', thief)).toEqual(accepted(account.userId))
    const honest = await refresh(server, tokens.refreshToken, from(here))
    expect(bodyOf(honest)).toEqual(refused('REFRESH_REUSED'))
    expect(await me(server, stolen.data?.refresh.accessToken ?? '', thief)).toEqual(
      unauthenticated('REFRESH_REUSED'),
    )
  })
})

describe('X-Forwarded-For from a peer that is no trusted proxy', () => {
  const server = useServer({ env: { ANNUL_BIND: 'ip', ANNUL_TRUSTED_PROXIES: '10.0.0.0/8' } })

  it('is ignored: for the binding, and for what sessions and the audit say', async () => {
    const account = await server.signUp()
    const tokens = await login(server, account, from('203.0.113.7'))
    expect(await me(server, tokens.accessToken, from('198.51.100.9'))).toEqual(accepted(account.userId))
    expect(claimsOf(tokens.accessToken).cnf).toEqual({ binding: bindAddress('127.0.0.1') })
    const found = await server.rows(sql`
      select host(s.ip_address) as session, host(e.ip_address) as event from annul.sessions s
      join annul.audit_events e on e.session_id = s.id where s.id = ${tokens.session.id}`)
    expect(found).toEqual([{ session: '127.0.0.1', event: '127.0.0.1' }])
  })
})

describe('ANNUL_BIND=cookie', () => {
  const name = '__Host-annul-fingerprint'
  const server = useServer({ env: { ANNUL_BIND: 'cookie' } })
  let account: Account & TokensAnswer
  beforeAll(async () => {
    account = await server.signUp()
  })

  const withCookie = (value: string): Headers => ({ cookie: `${name}=${value}` })

  it('sets a random HttpOnly cookie whose hash is a claim; only with it the token is accepted', async () => {
    const { accessToken, answer } = await login(server, account, {})
    const cookies = setCookies(answer)
    const value = cookies[0]?.value ?? ''
    const attributes = ['HttpOnly', 'Max-Age=15552000', 'Path=/', 'SameSite=Strict', 'Secure']
    expect(cookies).toEqual([{ name, value: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/), attributes }])
    const binding = createHash('sha256').update(`cookie ${value}`).digest('base64url')
    expect(claimsOf(accessToken).cnf).toEqual({ binding })

    expect(await me(server, accessToken, withCookie(value))).toEqual(accepted(account.userId))
    for (const headers of [{}, withCookie(''), withCookie(`${value}A`), withCookie(binding)])
      expect(await me(server, accessToken, headers)).toEqual(unauthenticated('TOKEN_EXPIRED'))
  })

  it('differs each time, and one that is there is kept: two sessions of a browser share it', async () => {
    const [one, other] = [await login(server, account, {}), await login(server, account, {})]
    const [mine, others] = [setCookies(one.answer)[0]?.value ?? '', setCookies(other.answer)[0]?.value ?? '']
    expect(mine).not.toBe(others)
    expect(await me(server, one.accessToken, withCookie(others))).toEqual(unauthenticated('TOKEN_EXPIRED'))
    const again = await login(server, account, withCookie(mine))
    expect(setCookies(again.answer)).toEqual([])
    for (const { accessToken } of [one, again])
      expect(await me(server, accessToken, withCookie(mine))).toEqual(accepted(account.userId))
  })

  it('lets an honest user who lost it go on: a refresh sets a new one', async () => {
    const { accessToken, refreshToken, session } = await login(server, account, {})
    expect(await me(server, accessToken)).toEqual(unauthenticated('TOKEN_EXPIRED'))
    const answer = await refresh(server, refreshToken, {})
    expect(answer.data?.refresh.session.id).toBe(session.id)
    const value = setCookies(answer)[0]?.value ?? ''
    const token = answer.data?.refresh.accessToken ?? ''
    expect(await me(server, token, withCookie(value))).toEqual(accepted(account.userId))
    expect(await me(server, accessToken, withCookie(value))).toEqual(unauthenticated('TOKEN_EXPIRED'))
  })

  it('an empty one is none: nobody is locked out by it', async () => {
    const { accessToken, answer } = await login(server, account, withCookie(''))
    const value = setCookies(answer)[0]?.value ?? ''
    expect(value).toMatch(/^[A-Za-z0-9_-]{43}$/)
    expect(await me(server, accessToken, withCookie(value))).toEqual(accepted(account.userId))
  })

  it('is not set by a request that gets no token', async () => {
    const answers = [
      await server.send('{ me { id } }', { token: account.accessToken }),
      await refresh(server, 'nonsense', {}),
      await server.send(loginWith, {
        variables: { input: { email: account.email, password: newAttempt() } },
      }),
    ]
    expect(answers.map(({ reason, code }) => reason ?? code)).toEqual([
      'TOKEN_EXPIRED',
      'TOKEN_INVALID',
      'INVALID_CREDENTIALS',
    ])
    expect(answers.flatMap(setCookies)).toEqual([])
  })
})

describe('binding.ts', () => {
  it.each([
    ['127.0.0.1', '127.0.0.1'],
    ['192.0.2.1', '::ffff:192.0.2.1'],
    ['192.0.2.1', '::FFFF:192.0.2.1'],
    ['192.0.2.1', '::ffff:c000:201'],
    ['192.0.2.1', '::ffff:c000:0201'],
    ['192.0.2.1', '0:0:0:0:0:ffff:192.0.2.1'],
    ['2001:db8::1', '2001:DB8:0:0::2'],
    ['2001:db8::1', '2001:0db8:0000:0000:ffff:ffff:ffff:ffff'],
    ['2001:db8::', '2001:db8::ffff'],
    ['::1', '0:0:0:0:0:0:0:1'],
    ['fe80::1%eth0', 'fe80::2'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::'],
    ['2001:db8:1:2:3:4:192.0.2.1', '2001:db8:1:2::'],
    ['2001::1', '2001:0:0:0:9::'],
  ])('%s and %s are one', (one, other) => {
    expect(bindAddress(one)).toBe(bindAddress(other))
  })

  it('other addresses are others', () => {
    const apart = [
      '192.0.2.1',
      '192.0.2.2',
      '::ffff:192.0.2.3',
      '::ffff:c000:204',
      '::ffff:c000:205',
      '::1',
      '2001:db8::1',
      '2001:db8:0:1::1',
      '2001:db8:1::1',
      '2001::db8:0:0:0:1',
      '12:1::',
      '1:21::',
      'fe80::1',
    ]
    expect(new Set(apart.map(bindAddress)).size).toBe(apart.length)
  })

  it('an address and a fingerprint of the same letters are two, and both are SHA-256 in base64url', () => {
    expect(bindAddress('192.0.2.1')).not.toBe(bindFingerprint('192.0.2.1'))
    for (const hash of [bindAddress('192.0.2.1'), bindFingerprint('x')])
      expect(Buffer.from(hash, 'base64url')).toHaveLength(32)
  })
})
