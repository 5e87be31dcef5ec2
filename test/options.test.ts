import { describe, expect, it } from '@jest/globals'
import { ConfigError, readConfig } from '../src/config.ts'
import { readOptions } from '../src/options.ts'

const read = (options: object, env: Record<string, string> = {}) =>
  readOptions(options as Record<string, unknown>, env, ['log'])

describe('the options of createAuth', () => {
  it('are the settings in camelCase, before those of the environment', () => {
    const env = { ANNUL_ACCESS_TOKEN_SECONDS: '60', ANNUL_ISSUER: 'https://env.example.com', PORT: '1' }
    const secret = Buffer.from(Array.from({ length: 32 }, (_, at) => at * 7))
    const options = {
      accessTokenSeconds: 300,
      databaseUrl: 'postgres://app@db.example.com/app',
      secret: new Uint8Array(secret),
      allowedOrigins: ['https://a.example.com', 'https://b.example.com'],
      trustedProxies: [],
      introspection: false,
      metrics: { host: '::1', port: 9090 },
      bind: undefined,
      log: console,
    }
    expect(read(options, env)).toEqual(
      readConfig({
        ...env,
        ANNUL_ACCESS_TOKEN_SECONDS: '300',
        DATABASE_URL: 'postgres://app@db.example.com/app',
        ANNUL_SECRET: secret.toString('base64'),
        ANNUL_ALLOWED_ORIGINS: 'https://a.example.com,https://b.example.com',
        ANNUL_INTROSPECTION: 'off',
        ANNUL_METRICS: '[::1]:9090',
      }),
    )
  })

  it('give back every setting that was read from the environment', () => {
    const config = readConfig({ ANNUL_METRICS: '127.0.0.1:9090', ANNUL_TRUSTED_PROXIES: '10.0.0.0/8' })
    expect(read(config)).toEqual(config)
  })

  it.each([
    [{ databaseURL: 'x' }, 'createAuth has no option "databaseURL". The nearest name is "databaseUrl".'],
    [{ logs: console }, 'createAuth has no option "logs". The nearest name is "log".'],
    [{ accessTokenSeconds: '300' }, 'The option "accessTokenSeconds" must be a number, not string.'],
    [{ introspection: 'off' }, 'The option "introspection" must be true or false, not string.'],
    [{ secret: 7 }, 'The option "secret" must be bytes (Uint8Array), or their base64, not number.'],
    [{ issuer: '' }, 'The option "issuer" must be a text that is not empty, not an empty one.'],
    [{ allowedOrigins: 'https://a' }, 'The option "allowedOrigins" must be a list of texts, not string.'],
    [
      { trustedProxies: [7] },
      'The option "trustedProxies" must be a list of texts, not a list of something else.',
    ],
    [{ metrics: null }, 'The option "metrics" must be "on", "off", or { host, port }, not null.'],
  ])('of a wrong name or type are refused: %j', (options, message) => {
    expect(() => read(options)).toThrow(new TypeError(message))
  })

  it('out of range are told by their own names, together with what is wrong in the environment', () => {
    const env = { ANNUL_LEASE_MS: '1' }
    let problems: readonly string[] = []
    try {
      read({ accessTokenSeconds: 1, port: Number.NaN }, env)
    } catch (error) {
      problems = error instanceof ConfigError ? error.problems : []
    }
    expect(problems).toEqual([
      'port must be a whole number from 0 to 65535, not "NaN".',
      'accessTokenSeconds must be a whole number from 30 to 3600, not "1".',
      'ANNUL_LEASE_MS must be a whole number from 200 to 60000, not "1".',
    ])
  })
})
