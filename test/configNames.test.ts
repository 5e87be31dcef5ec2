import { spawnSync } from 'node:child_process'
import { describe, expect, it } from '@jest/globals'
import { ConfigError, readConfig } from '../src/config.ts'

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

describe('a name that begins with ANNUL_ and is no setting', () => {
  it.each([
    ['ANNUL_SECERT', 'ANNUL_SECRET'],
    ['ANNUL_ALLOWED_ORIGIN', 'ANNUL_ALLOWED_ORIGINS'],
    ['ANNUL_ALLOWED-ORIGINS', 'ANNUL_ALLOWED_ORIGINS'],
    ['ANNUL_ACCESS_TOKEN_SECOND', 'ANNUL_ACCESS_TOKEN_SECONDS'],
    ['ANNUL_LEASE', 'ANNUL_LEASE_MS'],
    ['ANNUL_PASSWORD_MINLENGTH', 'ANNUL_PASSWORD_MIN_LENGTH'],
    ['ANNUL_bind', 'ANNUL_BIND'],
    ['ANNUL_DATA_DIRECTORY', 'ANNUL_DATA_DIR'],
    ['ANNUL_METRIC', 'ANNUL_METRICS'],
    ['ANNUL_', 'ANNUL_BIND'],
  ])('is told with the nearest name: %s, %s', (name, nearest) => {
    expect(problemsOf({ [name]: 'a-value-that-may-be-secret' })).toEqual([
      `${name} is not a setting. The nearest name is ${nearest}.`,
    ])
  })

  it('is told together with every other problem', () => {
    expect(problemsOf({ PORT: 'x', ANNUL_BNID: 'ip', ANNUL_LEASE_MS: '1', ANNUL_SECERT: 'x' })).toEqual([
      'PORT must be a whole number from 0 to 65535, not "x".',
      'ANNUL_LEASE_MS must be a whole number from 200 to 60000, not "1".',
      'ANNUL_BNID is not a setting. The nearest name is ANNUL_BIND.',
      'ANNUL_SECERT is not a setting. The nearest name is ANNUL_SECRET.',
    ])
  })

  it('counts as unset when it is empty; names of others are not looked at', () => {
    expect(
      problemsOf({ ANNUL_SECERT: ' ', ANNULS: '1', ANNUL: '1', annul_bind: 'x', NODE_OPTIONS: 'x' }),
    ).toEqual([])
  })

  it('ends the command with status 2, and its value is not shown', () => {
    const { PATH = '' } = process.env
    const env = { PATH, ANNUL_SECERT: 'a-value-that-may-be-secret' }
    const { status, stdout, stderr } = spawnSync(process.execPath, ['dist/main.js'], {
      env,
      encoding: 'utf8',
    })
    expect({ status, stdout, stderr }).toEqual({
      status: 2,
      stdout: '',
      stderr:
        'The settings have a problem:\n  ANNUL_SECERT is not a setting. The nearest name is ANNUL_SECRET.\n',
    })
  })
})

const production = {
  NODE_ENV: 'production',
  ANNUL_SECRET: Buffer.from('0123456789abcdefghijklmnopqrstuv').toString('base64'),
}

describe('what helps a developer', () => {
  it('is on, but off in production, where it can be turned on', () => {
    for (const NODE_ENV of [undefined, '', 'development', 'test'])
      expect(readConfig({ NODE_ENV })).toMatchObject({ introspection: true, metrics: 'on' })
    expect(readConfig(production)).toMatchObject({ introspection: false, metrics: 'off' })
    const on = { ...production, ANNUL_INTROSPECTION: 'on', ANNUL_METRICS: 'on' }
    expect(readConfig(on)).toMatchObject({ introspection: true, metrics: 'on' })
    const off = { ANNUL_INTROSPECTION: 'off', ANNUL_METRICS: 'off' }
    expect(readConfig(off)).toMatchObject({ introspection: false, metrics: 'off' })
  })

  it('is on or off, and nothing else', () => {
    for (const value of ['true', '1', 'ON', 'yes'])
      expect(problemsOf({ ANNUL_INTROSPECTION: value })).toEqual([
        `ANNUL_INTROSPECTION must be one of on, off, not ${JSON.stringify(value)}.`,
      ])
  })
})

describe('ANNUL_METRICS', () => {
  it.each([
    ['127.0.0.1:9090', '127.0.0.1', 9090],
    ['0.0.0.0:0', '0.0.0.0', 0],
    ['[::1]:65535', '::1', 65_535],
    ['metrics.internal:80', 'metrics.internal', 80],
  ])('may be an address: %s', (value, host, port) => {
    expect(readConfig({ ANNUL_METRICS: value }).metrics).toEqual({ host, port })
  })

  it.each([
    'yes',
    '9090',
    ':9090',
    'host:',
    'host:65536',
    'host:1e3',
    '::1:9090',
    '[host]:9090',
    'http://host:90',
  ])('is refused as %s', value => {
    expect(problemsOf({ ANNUL_METRICS: value })).toEqual([
      `ANNUL_METRICS must be on, off, or an address such as 127.0.0.1:9090, not ${JSON.stringify(value)}.`,
    ])
  })
})

describe('ANNUL_AUDIT_DAYS and ANNUL_LOG_LEVEL', () => {
  it('have their ranges', () => {
    expect(readConfig({ ANNUL_AUDIT_DAYS: '1' }).auditDays).toBe(1)
    expect(readConfig({ ANNUL_AUDIT_DAYS: '36500' }).auditDays).toBe(36_500)
    for (const value of ['0', '36501', '1.5'])
      expect(problemsOf({ ANNUL_AUDIT_DAYS: value })).toEqual([
        `ANNUL_AUDIT_DAYS must be a whole number from 1 to 36500, not "${value}".`,
      ])
    for (const level of ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
      expect(readConfig({ ANNUL_LOG_LEVEL: level }).logLevel).toBe(level)
    expect(problemsOf({ ANNUL_LOG_LEVEL: 'verbose' })).toEqual([
      'ANNUL_LOG_LEVEL must be one of trace, debug, info, warn, error, fatal, silent, not "verbose".',
    ])
  })
})
