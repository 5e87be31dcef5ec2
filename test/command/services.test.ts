import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { isServiceSecret } from '../../src/tokens/serviceSecret.ts'
import { annul, type NodeProcess, startNode } from '../support/command.ts'
import { temporaryDirectory } from '../support/database.ts'
import { useOperatedServer } from '../support/operatedServer.ts'

// Each command is a process of its own, and the machine may have other things to do.
jest.setTimeout(180_000)

const operated = useOperatedServer()
const time = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`
const uuid = '[0-9a-f-]{36}'

describe('annul create-service, services and end-service', () => {
  it('make a service, list it without its secret, change its secret, and end it', async () => {
    const [none, made, second, third, list] = await operated.runAll([
      { args: ['services'] },
      { args: ['create-service', 'orders', '--rights', 'introspect, feed'] },
      { args: ['create-service', 'orders'] },
      { args: ['create-service', 'orders'] },
      { args: ['services'] },
    ])
    expect(none?.stdout).toBe(
      'There are no services. Make one: annul create-service NAME --rights feed,introspect\n',
    )
    expect(made).toMatchObject({ status: 0, stderr: '' })
    const [said, aboutSecret, secret = ''] = made?.stdout.split('\n') ?? []
    expect(said).toBe('Made the service orders with the rights: feed, introspect.')
    expect(aboutSecret).toMatch(
      new RegExp(`^The secret ${uuid} is shown only now. Give it to the service as ANNUL_SERVICE:$`),
    )
    expect(isServiceSecret(secret)).toBe(true)
    expect(second?.stdout).toMatch(
      /^The service orders lives, so this is its next secret. When every process uses it, end the former one.\n/,
    )
    expect(third).toMatchObject({ status: 1, stdout: '' })
    expect(third?.stderr).toMatch(/^This service has 2 secrets. End the former one first: /)
    expect(list?.stdout).toMatch(
      new RegExp(
        `^orders: feed, introspect; since ${time}\n  secret ${uuid}, since ${time}\n  secret ${uuid}, since ${time}\n$`,
      ),
    )
    expect(list?.stdout).not.toContain(secret.slice(9))

    const { services } = operated.server.auth
    expect(await services.find(secret)).toMatchObject({ name: 'orders' })
    const former = / secret (\S+),/.exec(list?.stdout ?? '')?.[1] ?? ''
    expect(await operated.run('end-service', 'orders', '--secret', former, '--yes')).toEqual({
      status: 0,
      stdout: `The secret ${former} of the service orders has ended: no node accepts it, and its feeds close within two seconds.\n`,
      stderr: '',
    })
    expect(await operated.server.auth.services.find(secret)).toBeUndefined()
    const secondSecret = second?.stdout.split('\n')[2] ?? ''
    expect(await operated.server.auth.services.find(secondSecret)).toMatchObject({ name: 'orders' })
    expect(await operated.run('end-service', 'orders', '--yes')).toMatchObject({ status: 0 })
    // At once: the command has waited until no node remembers the secret.
    expect(await operated.server.auth.services.find(secondSecret)).toBeUndefined()
  })

  it('ask before something ends, and say what is wrong', async () => {
    const ended = await operated.runAll([
      { args: ['create-service', 'kept', '--rights', 'feed'] },
      { args: ['end-service', 'kept'] },
      { args: ['end-service', 'nobody', '--yes'] },
      { args: ['end-service', 'kept', '--secret', 'x', '--yes'] },
      { args: ['create-service', 'Kept', '--rights', 'feed'] },
      { args: ['create-service', 'another'] },
      { args: ['create-service', 'another', '--rights', 'everything'] },
      { args: ['services'] },
    ])
    expect(ended.slice(1, -1).map(({ status, stdout, stderr }) => [status, stdout, stderr])).toEqual([
      [
        1,
        '',
        'This ends the service kept. Processes that still use it are refused. There is no terminal to ask at: confirm it with --yes.\n',
      ],
      [1, '', 'There is no such service.\n'],
      [1, '', 'This is not an id: it must be a UUID.\n'],
      [1, '', 'The name of a service has 1 to 64 characters of a-z, 0-9 and "-".\n'],
      [1, '', 'The rights of a service are one or more of feed, introspect, revoke.\n'],
      [1, '', 'The rights of a service are one or more of feed, introspect, revoke.\n'],
    ])
    expect(ended.at(-1)?.stdout).toMatch(/^kept: feed; since [^\n]+\n {2}secret [^\n]+\n$/)
  })
})

describe('beside a running server with the embedded database', () => {
  let env: Record<string, string>
  let node: NodeProcess
  beforeAll(async () => {
    env = { ANNUL_DATA_DIR: await temporaryDirectory() }
    node = await startNode(env)
  })
  afterAll(() => node.stop())

  it('the server makes, lists and ends services for the command', async () => {
    const made = await annul(['create-service', 'orders', '--rights', 'introspect'], env)
    const secret = made.stdout.split('\n')[2] ?? ''
    expect(isServiceSecret(secret)).toBe(true)
    expect((await annul(['services'], env)).stdout).toMatch(/^orders: introspect; since /)
    expect(await annul(['end-service', 'orders', '--yes'], env)).toMatchObject({ status: 0, stderr: '' })
    expect((await annul(['services'], env)).stdout).toMatch(/^There are no services\./)
    // The log of the server names the commands, and no secret.
    expect(node.output.stderr).toContain('create-service')
    expect(node.output.stderr).not.toContain(secret.slice(9))
  })
})
