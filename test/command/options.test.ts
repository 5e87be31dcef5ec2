import { describe, expect, it, jest } from '@jest/globals'
import { annul } from '../support/command.ts'

// Each command is a process of its own, and the machine may have other things to do.
jest.setTimeout(180_000)

/* What is refused before any database is opened. */

/** What the command can't do without. */
const required: Record<string, string[]> = {
  'create-user': ['--email', 'a@b.c'],
  'import-users': ['-'],
  'set-access': ['--roles', 'ops'],
  'create-service': ['orders'],
  'end-service': ['orders'],
  guards: ['schema.graphql'],
}
const commands = [
  ...['serve', 'migrate', 'create-user', 'import-users', 'set-access', 'set-password', 'block', 'unblock'],
  ...['reset-factors', 'rotate-keys', 'revoke-everything', 'restored', 'purge', 'audit verify', 'guards'],
  ...['create-service', 'end-service', 'services'],
]

it('No command takes an option that it does not know', async () => {
  for (const command of commands) {
    const args = [...command.split(' '), ...(required[command] ?? []), '--no-such-option']
    // Settings that are wrong: whatever begins to work ends with status 2.
    const { status, stdout, stderr } = await annul(args, { PORT: 'none' })
    expect([command, status, stdout]).toEqual([command, 1, ''])
    expect(stderr).toMatch(/^error: unknown option '--no-such-option'\n/)
    expect(stderr).toContain(`Usage: annul ${command} `)
  }
})

it('No command takes an argument that it does not know', async () => {
  const { status, stderr } = await annul(['purge', 'sessions'], { PORT: 'none' })
  expect(status).toBe(1)
  expect(stderr).toMatch(/^error: too many arguments for 'purge'/)
})

it('Wrong settings are told before anything is asked for', async () => {
  for (const args of [['create-user', '--email', 'a@b.c'], ['revoke-everything'], ['set-password']])
    expect(await annul(args, { PORT: 'none' })).toEqual({
      status: 2,
      stdout: '',
      stderr: 'The settings have a problem:\n  PORT must be a whole number from 0 to 65535, not "none".\n',
    })
})

describe('what ends everybody’s sessions', () => {
  it.each(['revoke-everything', 'restored'])(
    'is confirmed by --yes where nobody can be asked: %s',
    async name => {
      for (const input of ['', 'yes\n'])
        expect(await annul([name], { ANNUL_DATA_DIR: '/nowhere/at/all' }, input)).toEqual({
          status: 1,
          stdout: '',
          stderr:
            'This ends every session and token of everybody. There is no terminal to ask at: confirm it with --yes.\n',
        })
    },
  )
})

it('An account is named by its e-mail or by its id, by one of the two', async () => {
  for (const command of [
    ['set-access', '--roles', 'a'],
    ['set-password'],
    ['reset-factors'],
    ['block'],
    ['unblock'],
  ])
    for (const account of [[], ['--email', 'a@b.c', '--id', 'a']])
      expect(await annul([...command, ...account], { ANNUL_DATA_DIR: '/nowhere/at/all' })).toEqual({
        status: 1,
        stdout: '',
        stderr: 'Say which account: by --email or by --id, one of the two.\n',
      })
})
