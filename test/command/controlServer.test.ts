import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { byShortPath } from '../../src/database/byShortPath.ts'
import { annul, type NodeProcess, startNode } from '../support/command.ts'

// Each command is a process of its own, and the machine may have other things to do.
jest.setTimeout(180_000)

/* Commands while `annul serve` has the embedded database open: real processes, whatever database the run is about. */

const onPosix = process.platform === 'win32' ? it.skip : it
const onlyRoot = process.getuid?.() === 0 ? it : it.skip
const me = '{ me { id roles scopes } }'

let open: string
let dataDir: string
let node: NodeProcess
beforeAll(async () => {
  // Open to everybody, unlike the run's own directory; and longer than the path of a socket may be.
  open = await mkdtemp(join(tmpdir(), 'annul-open-'))
  await chmod(open, 0o755)
  dataDir = join(open, 'long'.repeat(40))
  await mkdir(dataDir, { mode: 0o755 })
  node = await startNode({ ANNUL_DATA_DIR: dataDir })
})
afterAll(async () => {
  await node.stop()
  await rm(open, { recursive: true, force: true })
})

/** The command has no settings but the directory: the server's own hold. */
const run = (args: string[], input?: string) => annul(args, { ANNUL_DATA_DIR: dataDir }, input)
const ask = ({ accessToken }: { accessToken: string }) => node.send(me, { token: accessToken })
const folder = () => join(dataDir, 'control')

/** Sends text through the server's socket. @returns what it answered until it closed the connection */
async function sendThroughSocket(text: string): Promise<string> {
  return byShortPath(folder(), async short => {
    const socket = connect(join(short, 'socket'))
    await once(socket, 'connect')
    socket.setEncoding('utf8').on('error', () => {})
    let answer = ''
    socket.on('data', chunk => {
      answer += chunk
    })
    socket.write(text)
    await once(socket, 'close')
    return answer
  })
}

describe('a command beside a running embedded server', () => {
  it('makes the first admin, without a stop', async () => {
    const password = 'the first of all admins'
    const made = await run(
      ['create-user', '--email', 'root@example.com', '--roles', 'admin'],
      `${password}\n`,
    )
    expect(made).toEqual({
      status: 0,
      stdout: expect.stringMatching(/^Made the user \S+\.\n$/),
      stderr: '',
    })
    const admin = await node.login({ email: 'root@example.com', password })
    expect((await ask(admin)).data).toMatchObject({ me: { roles: ['admin'] } })
    // What was sent through the socket is nowhere to be read.
    expect(node.output.stderr).toContain('"command":"create-user","status":0')
    expect(node.output.stderr + node.output.stdout).not.toContain(password)
  })

  it('changes access and password, blocks and unblocks, and the server refuses what that killed at once', async () => {
    const account = await node.signUp()
    const id = ['--id', account.userId]

    expect(await run(['set-access', ...id, '--roles', 'ops'])).toMatchObject({ status: 0, stderr: '' })
    expect(await ask(account)).toMatchObject({ status: 401, data: null, reason: 'ACCESS_CHANGED' })

    const second = await node.login(account)
    expect((await ask(second)).data).toMatchObject({ me: { roles: ['ops'] } })
    const password = 'a password from the operator'
    expect(await run(['set-password', ...id], password)).toMatchObject({ status: 0, stderr: '' })
    expect(await ask(second)).toMatchObject({ data: null, reason: 'PASSWORD_CHANGED' })

    const third = await node.login({ ...account, password })
    expect(await run(['block', ...id])).toMatchObject({ status: 0, stderr: '' })
    expect(await ask(third)).toMatchObject({ data: null, reason: 'USER_BLOCKED' })

    expect(await run(['unblock', ...id])).toMatchObject({ status: 0, stderr: '' })
    expect((await ask(await node.login({ ...account, password }))).errors).toBeUndefined()
    expect(node.output.stderr).not.toContain(password)
  })

  it('rotates keys, purges and migrates', async () => {
    for (const [command, said] of [
      ['rotate-keys', /^The key \S+ signs in 60 seconds from now, when every node knows it\.\n$/],
      ['purge', /^Removed 0 rows of the log, 0 sessions, 0 audit events and 0 dead nodes\.\n$/],
      ['migrate', /^The tables are up to date\.\n$/],
    ] as const)
      expect(await run([command])).toEqual({ status: 0, stdout: expect.stringMatching(said), stderr: '' })
  })

  it('ends every session of everybody', async () => {
    for (const command of ['revoke-everything', 'restored']) {
      const account = await node.signUp()
      expect(await run([command])).toMatchObject({ status: 1, stdout: '' })
      expect((await ask(account)).errors).toBeUndefined()
      expect(await run([command, '--yes'])).toMatchObject({ status: 0, stderr: '' })
      expect(await ask(account)).toMatchObject({ data: null, reason: 'EVERYTHING_REVOKED' })
    }
  })

  it('is refused with the sentence and status that it would have had by itself', async () => {
    const account = await node.signUp()
    const create = ['create-user', '--email', account.email]
    expect(await run(create, 'a password that is long enough')).toEqual({
      status: 1,
      stdout: '',
      stderr: 'There is an account with this e-mail.\n',
    })
    expect(await run(['block', '--email', 'nobody@example.com'])).toEqual({
      status: 1,
      stdout: '',
      stderr: 'There is no such user.\n',
    })
  })
})

describe('the socket of a running embedded server', () => {
  onPosix('lies in a folder of mode 0700', async () => {
    expect((await stat(folder())).mode & 0o777).toBe(0o700)
    expect(await readdir(folder())).toEqual(['socket'])
  })

  onlyRoot('can not be opened by another user', () => {
    const script = `
      const socket = require('node:net').connect(process.argv[1])
      socket.on('connect', () => console.log('connected')).on('error', error => console.log(error.code))`
    return byShortPath(folder(), async short => {
      const other = { uid: 65534, gid: 65534, encoding: 'utf8' } as const
      const { stdout } = spawnSync(process.execPath, ['-e', script, join(short, 'socket')], other)
      expect(stdout).toBe('EACCES\n')
    })
  })

  it('survives whatever is sent to it, and performs nothing that it does not know', async () => {
    const version = JSON.stringify((await import('../../src/command/version.ts')).version)
    const notUnderstood = '{"status":1,"error":"The running server does not understand this command."}\n'
    const unknown = '{"status":1,"error":"The running server does not know this command."}\n'
    for (const [text, answer] of [
      ['\n', notUnderstood],
      ['null\n', notUnderstood],
      ['{"task":"purge"}\n', notUnderstood],
      [`{"version":${version},"task":"serve","input":null}\n`, unknown],
      [`{"version":${version},"task":"constructor","input":null}\n`, unknown],
      ['x'.repeat(100_000), ''],
    ] as const)
      expect([text.slice(0, 80), await sendThroughSocket(text)]).toEqual([text.slice(0, 80), answer])
    expect(JSON.parse(await sendThroughSocket('{"version":"0.0.1","task":"purge","input":null}\n'))).toEqual({
      status: 1,
      error: expect.stringMatching(/^The running server is Annul \S+, this command is Annul 0\.0\.1\. /),
    })
    expect((await node.send(me)).reason).toBe('TOKEN_MISSING')
  })
})

describe('a server that was killed', () => {
  it('leaves a socket that hinders neither a command nor the next server', async () => {
    const dir = join(open, 'killed')
    const env = { ANNUL_DATA_DIR: dir }
    const killed = await startNode(env)
    const { userId } = await killed.signUp()
    await killed.stop('SIGKILL')
    expect(await readdir(join(dir, 'control'))).toEqual(['socket'])

    // Without a server the command does it by itself.
    expect(await annul(['block', '--id', userId], env)).toMatchObject({ status: 0, stderr: '' })

    const next = await startNode(env)
    expect(await annul(['unblock', '--id', userId], env)).toMatchObject({ status: 0, stderr: '' })
    expect((await next.stop()).status).toBe(0)
    expect((await readdir(dir)).filter(name => name === 'control')).toEqual([])
  })
})
