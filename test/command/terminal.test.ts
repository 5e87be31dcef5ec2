import { describe, expect, it, jest } from '@jest/globals'
import { createClient } from '../support/client.ts'
import { annul, startNode } from '../support/command.ts'
import { temporaryDirectory } from '../support/database.ts'
import { ctrlC, hasTerminal, startAtTerminal } from '../support/terminal.ts'

// Each command is a process of its own, and the machine may have other things to do.
jest.setTimeout(180_000)

/* What the command asks where somebody sits at a terminal: real processes in a pseudo-terminal. */

const atTerminal = hasTerminal ? it : it.skip
const question = 'There is no admin yet. E-mail of the first admin (empty: later): '
const password = 'the first of all admins'

describe('annul serve at a terminal', () => {
  atTerminal('offers to make the first admin, and serves meanwhile', async () => {
    const env = { ANNUL_DATA_DIR: await temporaryDirectory(), PORT: '0' }
    const terminal = startAtTerminal(['serve'], env)
    await terminal.sees(question)
    const url = terminal.shown().match(/^Annul is ready at (http:\S+)\/graphql/m)?.[1] ?? ''
    const client = createClient(url)
    expect((await client.send('{ me { id } }')).reason).toBe('TOKEN_MISSING')
    expect(terminal.shown()).not.toContain('create-user')

    // What is refused is asked for again.
    terminal.type('root@example.com\r')
    await terminal.sees(/Password: $/)
    terminal.type('short\r')
    await terminal.sees(
      /A password has at least 15 characters\.\r\n(?:.*\r\n)*.*E-mail of the first admin.*$/,
    )
    terminal.type('root@example.com\r')
    await terminal.sees(/\(empty: later\): [\s\S]*\(empty: later\): [\s\S]*Password: $/)
    terminal.type(`${password}\r`)
    await terminal.sees('Made the user ')

    const admin = await client.login({ email: 'root@example.com', password })
    const roles = await client.send('{ me { roles } }', { token: admin.accessToken })
    expect(roles.data).toEqual({ me: { roles: ['admin'] } })
    expect(terminal.shown()).not.toContain(password)
    terminal.type(ctrlC)
    expect(await terminal.ended()).toBe(0)

    const again = startAtTerminal(['serve'], env)
    await again.sees('serves this one process')
    again.type(ctrlC)
    expect(await again.ended()).toBe(0)
    expect(again.shown()).not.toContain('no admin')
  })

  atTerminal('takes an empty answer for "later", and Ctrl+C at the question for the end', async () => {
    const env = { ANNUL_DATA_DIR: await temporaryDirectory(), PORT: '0' }
    const terminal = startAtTerminal(['serve'], env)
    await terminal.sees(question)
    terminal.type('\r')
    // The terminal is no longer in raw mode: Ctrl+C is a signal again.
    await terminal.sees(/\(empty: later\): [^\n]*\n/)
    const url = terminal.shown().match(/^Annul is ready at (http:\S+)\/graphql/m)?.[1] ?? ''
    expect((await createClient(url).send('{ me { id } }')).reason).toBe('TOKEN_MISSING')
    terminal.type(ctrlC)
    expect(await terminal.ended()).toBe(0)

    const again = startAtTerminal(['serve'], env)
    await again.sees(question)
    again.type(ctrlC)
    expect(await again.ended()).toBe(0)
  })
})

describe('a command at a terminal', () => {
  atTerminal(
    'asks for the password without showing it, and for a yes before it ends all sessions',
    async () => {
      const env = { ANNUL_DATA_DIR: await temporaryDirectory() }
      const node = await startNode(env)
      const create = startAtTerminal(['create-user', '--email', 'ada@example.com'], env)
      await create.sees('Password: ')
      create.type(`${password}\r`)
      expect(await create.ended()).toBe(0)
      expect(create.shown()).toMatch(/^Password: \r\nMade the user \S+\.\r\n$/)

      const account = await node.login({ email: 'ada@example.com', password })
      const ask = () => node.send('{ me { roles } }', { token: account.accessToken })
      const refused = startAtTerminal(['revoke-everything'], env)
      await refused.sees('This ends every session and token of everybody. Type "yes" to go on: ')
      refused.type('no\r')
      expect(await refused.ended()).toBe(1)
      expect((await ask()).errors).toBeUndefined()

      const confirmed = startAtTerminal(['revoke-everything'], env)
      await confirmed.sees('Type "yes" to go on: ')
      confirmed.type('yes\r')
      expect(await confirmed.ended()).toBe(0)
      expect(confirmed.shown()).toContain('Every session and token has ended.')
      expect(await ask()).toMatchObject({ data: null, reason: 'EVERYTHING_REVOKED' })
      await node.stop()
      expect(await annul(['purge'], env)).toMatchObject({ status: 0 })
    },
  )
})
