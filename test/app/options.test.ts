import { describe, expect, it } from '@jest/globals'
import { noApp, openApp } from '../../src/app/options.ts'
import { createAuth, openAuth } from '../../src/auth.ts'
import { readConfig } from '../../src/config.ts'

const log = { info() {}, warn() {}, error() {} }

describe('what an app adds', () => {
  it.each([
    [{ claim: () => ({}) }, 'createAuth has no option "claim". The nearest name is "claims".'],
    [{ onEvents: () => {} }, 'createAuth has no option "onEvents". The nearest name is "onEvent".'],
    [{ hook: {} }, 'createAuth has no option "hook". The nearest name is "hooks".'],
    [{ claims: { tenant: 'x' } }, 'The option "claims" must be a function, not object.'],
    [{ claims: null }, 'The option "claims" must be a function, not null.'],
    [{ onEvent: 'log' }, 'The option "onEvent" must be a function, not string.'],
    [{ hooks: () => {} }, 'The option "hooks" must be a plain object of functions, not function.'],
    [{ hooks: null }, 'The option "hooks" must be a plain object of functions, not null.'],
    [{ hooks: [() => {}] }, 'The option "hooks" must be a plain object of functions, not a list.'],
    [
      { hooks: new (class Mine {})() },
      'The option "hooks" must be a plain object of functions, not an instance of a class.',
    ],
    [{ hooks: { deleted: true } }, 'The option "hooks.deleted" must be a function, not boolean.'],
    [
      { hooks: { register: () => {} } },
      'The option "hooks" has no hook "register". The nearest name is "registered".',
    ],
    [
      { hooks: { deleteUser: undefined } },
      'The option "hooks" has no hook "deleteUser". The nearest name is "deleted".',
    ],
  ])(
    'is refused before the database is opened, where a name or a type is wrong: %p',
    async (options, message) => {
      // Nobody listens there.
      const databaseUrl = 'postgres://nobody@127.0.0.1:1/none'
      const secret = Buffer.from(Array.from({ length: 32 }, (_, at) => at * 7))
      const opening = createAuth({ databaseUrl, secret, ...options } as never)
      await expect(opening).rejects.toThrow(new TypeError(message))
    },
  )

  it('is refused by startServer and its like in the same words', async () => {
    const opening = openAuth(readConfig({}), log, { hooks: { block: () => {} } } as never)
    await expect(opening).rejects.toThrow('has no hook "block". The nearest name is "blocked".')
  })

  it('may be undefined, one by one', () => {
    const given = { claims: undefined, hooks: { deleted: undefined }, onEvent: undefined }
    expect(openApp(given, log)).toMatchObject({ claims: undefined, hooks: { deleted: undefined } })
    expect(openApp({}, log).hooks).toEqual({})
    expect(noApp.claims).toBeUndefined()
  })
})
