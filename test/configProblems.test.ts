import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { ConfigError, readConfig } from '../src/config.ts'

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

describe('ANNUL_SECRET', () => {
  const words =
    'ANNUL_SECRET must be at least 32 random bytes in base64. Make one with: openssl rand -base64 32'

  it('has at least 32 bytes, in base64 or base64url', () => {
    const bytes = randomBytes(48)
    for (const encoding of ['base64', 'base64url'] as const)
      expect(readConfig({ ANNUL_SECRET: bytes.toString(encoding) }).secret).toEqual(bytes)
    expect(readConfig({ ANNUL_SECRET: secret }).secret).toHaveLength(32)
  })

  it.each([
    ['31 bytes', randomBytes(31).toString('base64')],
    ['words', 'correct horse battery staple correct horse battery staple'],
    ['hexadecimal digits of 16 bytes', randomBytes(16).toString('hex')],
    ['base64 with something else in it', `${secret.slice(0, 40)}!${secret.slice(40)}`],
    ['two lines', `${secret}\n${secret}`],
    ['32 equal bytes', Buffer.alloc(32, 'x').toString('base64')],
    ['64 zeros', Buffer.alloc(64).toString('base64')],
    ['a pattern of seven bytes', Buffer.alloc(70, 'abcdefg').toString('base64')],
  ])('is refused with %s, and never told', (_, value) => {
    const problems = problemsOf({ ANNUL_SECRET: value })
    expect(problems).toEqual([words])
    expect(problems.join()).not.toContain(value.slice(0, 8))
  })

  it('is required beside DATABASE_URL and in production, and generated otherwise', () => {
    const make = 'Make one with: openssl rand -base64 32'
    expect(problemsOf({ DATABASE_URL: 'postgres://host/name' })).toEqual([
      `ANNUL_SECRET is required when DATABASE_URL is set. ${make}`,
    ])
    expect(problemsOf({ NODE_ENV: 'production' })).toEqual([
      `ANNUL_SECRET is required when NODE_ENV is production. ${make}`,
    ])
    expect(problemsOf({ NODE_ENV: 'development' })).toEqual([])
    expect(
      problemsOf({ NODE_ENV: 'production', DATABASE_URL: 'postgres://host/name', ANNUL_SECRET: secret }),
    ).toEqual([])
  })
})

describe('problems', () => {
  const wrong = {
    PORT: '70000',
    DATABASE_URL: 'mysql://user:hunter2@host/name',
    ANNUL_SECRET: 'c2hvcnQgc2VjcmV0',
    ANNUL_ISSUER: 'x'.repeat(256),
    ANNUL_AUDIENCE: 'x'.repeat(256),
    ANNUL_ACCESS_TOKEN_SECONDS: '29',
    ANNUL_SESSION_IDLE_SECONDS: 'a month',
    ANNUL_SESSION_MAX_SECONDS: '59',
    ANNUL_REFRESH_REUSE_SECONDS: '61',
    ANNUL_REFRESH_REUSE_ENDS: 'everything',
    ANNUL_REVOCATION: 'never',
    ANNUL_LEASE_MS: '199',
    ANNUL_ALLOWED_ORIGINS: '*',
    ANNUL_PASSWORD_MIN_LENGTH: '7',
    ANNUL_BIND: 'device',
    ANNUL_TRUSTED_PROXIES: 'all',
  }

  it('are all told at once', () => {
    const problems = problemsOf(wrong)
    expect(problems.map(problem => problem.split(/[ :]/)[0]).sort()).toEqual(Object.keys(wrong).sort())
    expect(new ConfigError(problems).message).toBe(
      `The settings have problems:\n${problems.map(problem => `  ${problem}`).join('\n')}`,
    )
    expect(new ConfigError(['PORT is wrong.']).message).toBe('The settings have a problem:\n  PORT is wrong.')
  })

  it('end the command with status 2 before anything starts, without a stack or a secret', () => {
    const { PATH = '' } = process.env
    const { status, stdout, stderr } = spawnSync(process.execPath, ['dist/main.js', 'serve'], {
      env: { PATH, ...wrong },
      encoding: 'utf8',
    })
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
    expect(stderr).toBe(`${new ConfigError(problemsOf(wrong)).message}\n`)
    for (const secret of [wrong.ANNUL_SECRET, 'hunter2']) expect(stderr).not.toContain(secret)
  })
})
