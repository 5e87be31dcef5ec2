import { randomBytes } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { type Config, ConfigError, readConfig } from '../src/config.ts'

const secret = randomBytes(32).toString('base64')

/** The problems of these settings; none: an empty list. */
function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    readConfig(env)
    return []
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError)
    return error instanceof ConfigError ? error.problems : []
  }
}

describe('settings', () => {
  it('have the defaults of the table', () => {
    expect(readConfig({})).toEqual({
      host: '127.0.0.1',
      port: 4000,
      databaseUrl: undefined,
      dataDir: './.annul',
      secret: undefined,
      issuer: 'annul',
      audience: 'annul',
      accessTokenSeconds: 600,
      sessionIdleSeconds: 2_592_000,
      sessionMaxSeconds: 15_552_000,
      refreshReuseSeconds: 0,
      refreshReuseEnds: 'session',
      revocation: 'view',
      leaseMs: 2000,
      allowedOrigins: undefined,
      passwordMinLength: 15,
      bind: 'none',
      trustedProxies: [],
      socketsPerAddress: 100,
      sockets: 10_000,
      introspection: true,
      console: true,
      metrics: 'on',
      mfaRoles: [],
      auditDays: 400,
      publicUrl: undefined,
      siteName: 'Annul',
      links: undefined,
      smtpUrl: undefined,
      mailFrom: undefined,
      requireVerifiedEmail: false,
      limits: true,
      breachUrl: undefined,
      maxInFlight: 200,
      operations: undefined,
      signingAlgorithm: 'ES256',
      keyDays: 30,
      secretPrevious: undefined,
      feedAckMs: 500,
      redisUrl: undefined,
      federation: false,
      logLevel: 'info',
    } satisfies Config)
  })

  it('count as unset when they are empty, and may have spaces around them', () => {
    expect(readConfig({ PORT: '', ANNUL_ISSUER: '  ', ANNUL_SECRET: '' })).toEqual(readConfig({}))
    const {
      port,
      bind,
      secret: read,
    } = readConfig({ PORT: ' 80 ', ANNUL_BIND: ' ip', ANNUL_SECRET: ` ${secret}\n` })
    expect({ port, bind, read: Buffer.from(read ?? []).toString('base64') }).toEqual({
      port: 80,
      bind: 'ip',
      read: secret,
    })
  })

  /** Others that belong to a value, because one must not be less than the other. */
  const beside: Record<string, Record<string, string>> = {
    ANNUL_SESSION_IDLE_SECONDS: { ANNUL_ACCESS_TOKEN_SECONDS: '30', ANNUL_SESSION_MAX_SECONDS: '315360000' },
    ANNUL_SESSION_MAX_SECONDS: { ANNUL_ACCESS_TOKEN_SECONDS: '30', ANNUL_SESSION_IDLE_SECONDS: '60' },
  }

  it.each<[string, keyof Config, number, number]>([
    ['PORT', 'port', 0, 65_535],
    ['ANNUL_ACCESS_TOKEN_SECONDS', 'accessTokenSeconds', 30, 3600],
    ['ANNUL_SESSION_IDLE_SECONDS', 'sessionIdleSeconds', 60, 315_360_000],
    ['ANNUL_SESSION_MAX_SECONDS', 'sessionMaxSeconds', 60, 315_360_000],
    ['ANNUL_REFRESH_REUSE_SECONDS', 'refreshReuseSeconds', 0, 60],
    ['ANNUL_LEASE_MS', 'leaseMs', 200, 60_000],
    ['ANNUL_PASSWORD_MIN_LENGTH', 'passwordMinLength', 8, 64],
    ['ANNUL_SOCKETS_PER_ADDRESS', 'socketsPerAddress', 1, 1_000_000],
    ['ANNUL_SOCKETS', 'sockets', 1, 1_000_000],
    ['ANNUL_MAX_IN_FLIGHT', 'maxInFlight', 1, 100_000],
    ['ANNUL_KEY_DAYS', 'keyDays', 1, 365],
    ['ANNUL_FEED_ACK_MS', 'feedAckMs', 50, 10_000],
  ])('%s is a whole number in its range', (name, key, min, max) => {
    const others = beside[name] ?? {}
    for (const value of [min, max]) expect(readConfig({ ...others, [name]: String(value) })[key]).toBe(value)
    const wrong = [
      min - 1,
      max + 1,
      min + 0.5,
      '1e3',
      '0x40',
      '+60',
      '-60',
      '6 0',
      '６０',
      'NaN',
      'Infinity',
      'many',
      '9'.repeat(20),
    ]
    for (const value of wrong.map(String))
      expect(problemsOf({ ...others, [name]: value })).toEqual([
        `${name} must be a whole number from ${min} to ${max}, not ${JSON.stringify(value)}.`,
      ])
  })

  it.each<[string, keyof Config, string[]]>([
    ['ANNUL_REFRESH_REUSE_ENDS', 'refreshReuseEnds', ['session', 'user']],
    ['ANNUL_REVOCATION', 'revocation', ['view', 'strict']],
    ['ANNUL_BIND', 'bind', ['none', 'ip', 'cookie']],
  ])('%s is one of its choices', (name, key, choices) => {
    for (const choice of choices) expect(readConfig({ [name]: choice })[key]).toBe(choice)
    for (const value of ['other', choices.join(), choices[0]?.toUpperCase() ?? '', 'constructor'])
      expect(problemsOf({ [name]: value })).toEqual([
        `${name} must be one of ${choices.join(', ')}, not ${JSON.stringify(value)}.`,
      ])
  })

  it.each(['ANNUL_ISSUER', 'ANNUL_AUDIENCE'])('%s has at most 255 characters', name => {
    const key = name === 'ANNUL_ISSUER' ? 'issuer' : 'audience'
    const longest = 'x'.repeat(255)
    expect(readConfig({ [name]: longest })[key]).toBe(longest)
    expect(problemsOf({ [name]: `${longest}x` })).toEqual([`${name} must have at most 255 characters.`])
  })

  it('ANNUL_ALLOWED_ORIGINS are origins, each as a browser writes it', () => {
    const origins = ['https://app.example.com', 'http://localhost:3000', 'http://[::1]:3000']
    expect(readConfig({ ANNUL_ALLOWED_ORIGINS: ` ${origins.join(' , ')},` }).allowedOrigins).toEqual(origins)
    for (const origin of [
      '*',
      'null',
      'app.example.com',
      'https://app.example.com/',
      'https://app.example.com/path',
      'HTTPS://app.example.com',
      'https://app.example.com:443',
      'https://user@app.example.com',
      'ftp://app.example.com',
      'file:///',
    ])
      expect(problemsOf({ ANNUL_ALLOWED_ORIGINS: `https://good.example.com,${origin}` })).toEqual([
        `ANNUL_ALLOWED_ORIGINS: ${JSON.stringify(origin)} is not an origin such as https://app.example.com (scheme and host, no path).`,
      ])
  })

  it('ANNUL_MFA_ROLES are roles as users have them', () => {
    const roles = ['admin', 'shop:owner', '*', 'x'.repeat(100)]
    expect(readConfig({ ANNUL_MFA_ROLES: ` ${roles.join(' , ')},` }).mfaRoles).toEqual(roles)
    expect(readConfig({ ANNUL_MFA_ROLES: ' , ' }).mfaRoles).toEqual([])
    for (const role of ['two words', '"admin"', 'back\\slash', 'größe', 'tab\tbed', 'x'.repeat(101)])
      expect(problemsOf({ ANNUL_MFA_ROLES: `admin,${role}` })).toEqual([
        `ANNUL_MFA_ROLES: ${JSON.stringify(role)} is not a role such as admin.`,
      ])
  })

  it('ANNUL_TRUSTED_PROXIES are addresses and ranges', () => {
    const ranges = ['127.0.0.1', '10.0.0.0/8', '::1', '2001:db8::/32']
    expect(readConfig({ ANNUL_TRUSTED_PROXIES: ranges.join() }).trustedProxies).toEqual(ranges)
    for (const range of [
      'all',
      '10.0.0.0/33',
      '10.0.0.0/',
      '10.0.0.0/8/8',
      '10.0.0',
      '2001:db8::/129',
      '10.0.0.0/-1',
      // Everybody: then any sender chooses the address that is bound to and audited.
      '0.0.0.0/0',
      'proxy.example.com',
    ])
      expect(problemsOf({ ANNUL_TRUSTED_PROXIES: range })).toEqual([
        `ANNUL_TRUSTED_PROXIES: ${JSON.stringify(range)} is not an address or a range such as 10.0.0.0/8.`,
      ])
  })

  it('DATABASE_URL leads to PostgreSQL, and what it says stays out of the message', () => {
    for (const url of [
      'postgres://user:pass@host:5432/name',
      'postgresql://host/name',
      'postgres://one:1,two:2/name',
    ])
      expect(readConfig({ DATABASE_URL: url, ANNUL_SECRET: secret }).databaseUrl).toBe(url)
    for (const url of ['mysql://user:hunter2@host/name', 'host/name', 'postgres://', 'postgres:/host'])
      expect(problemsOf({ DATABASE_URL: url, ANNUL_SECRET: secret })).toEqual([
        'DATABASE_URL must start with postgres:// or postgresql://.',
      ])
    for (const url of [
      'postgres://user:hunter2/3@host/name',
      'postgres://user:hunter2@host:port/name',
      'postgres://user:hunter%2@one:1,two:2/name',
    ])
      expect(problemsOf({ DATABASE_URL: url, ANNUL_SECRET: secret })).toEqual([
        'DATABASE_URL is not a URL. In user name and password, special characters must be percent-encoded.',
      ])
  })

  it('a session lives no shorter than its tokens, and idles no longer than it lives', () => {
    expect(problemsOf({ ANNUL_ACCESS_TOKEN_SECONDS: '601', ANNUL_SESSION_IDLE_SECONDS: '600' })).toEqual([
      'ANNUL_SESSION_IDLE_SECONDS must not be less than ANNUL_ACCESS_TOKEN_SECONDS.',
    ])
    expect(problemsOf({ ANNUL_SESSION_IDLE_SECONDS: '3601', ANNUL_SESSION_MAX_SECONDS: '3600' })).toEqual([
      'ANNUL_SESSION_MAX_SECONDS must not be less than ANNUL_SESSION_IDLE_SECONDS.',
    ])
    const equal = {
      ANNUL_ACCESS_TOKEN_SECONDS: '600',
      ANNUL_SESSION_IDLE_SECONDS: '600',
      ANNUL_SESSION_MAX_SECONDS: '600',
    }
    expect(problemsOf(equal)).toEqual([])
  })
})
