import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { byShortPath } from '../../src/database/byShortPath.ts'
import { annul, type NodeProcess, spawnAnnul, startNode } from '../support/command.ts'
import { temporaryDirectory } from '../support/database.ts'
import { until } from '../support/until.ts'

// Each command is a process of its own, and the machine may have other things to do.
jest.setTimeout(180_000)

/* An import while `annul serve` has the embedded database open: real processes, whatever database the run is about. */

const passwordHash = '$2b$04$N9qo8uLOickgx2ZMRZoMye9COBKsOPKEJDHJoe/BuRouJin6Qswhq'
const password = 'correct horse battery'
/** More than a socket takes at once, and more than a batch. */
const fileOf = (name: string, count: number) =>
  Array.from(
    { length: count },
    (_, at) => `${JSON.stringify({ email: `${name}-${at}@x.example`, passwordHash })}\n`,
  )

let dataDir: string
let node: NodeProcess
beforeAll(async () => {
  dataDir = await temporaryDirectory()
  node = await startNode({ ANNUL_DATA_DIR: dataDir })
})
afterAll(() => node.stop())

const run = (args: string[], input?: string) => annul(args, { ANNUL_DATA_DIR: dataDir }, input)
const said = (imported: number, present: number, refused = 0) =>
  `Users imported: ${imported}. There already: ${present}. Lines refused: ${refused}.\n`
const logIn = (email: string) => node.login({ email, password })
const isUser = (email: string) =>
  logIn(email).then(
    () => true,
    () => false,
  )

describe('annul import-users beside a running embedded server', () => {
  it('imports a file that only the command can see, and standard input, and refuses what it would by itself', async () => {
    const lines = fileOf('file', 2500)
    const file = join(await temporaryDirectory(), 'users.jsonl')
    await writeFile(file, lines.join(''))
    expect(await run(['import-users', file])).toEqual({ status: 0, stdout: said(2500, 0), stderr: '' })
    await logIn('file-2499@x.example')

    const more = `${lines.slice(0, 2).join('')}nonsense\n${fileOf('stdin', 1)[0]}`
    const ended = await run(['import-users', '-'], more)
    expect(ended).toMatchObject({
      status: 1,
      stdout: `Line 3 is refused. line: This is not JSON.\n${said(1, 2, 1)}`,
    })
    expect(ended.stderr).toMatch(/^Correct the refused lines/)
    await logIn('stdin-0@x.example')
    expect(await run(['import-users', '-'])).toEqual({ status: 0, stdout: said(0, 0), stderr: '' })
    expect(node.output.stderr + node.output.stdout).not.toContain(passwordHash)
  })

  it('goes on after a command that was killed', async () => {
    const lines = fileOf('killed', 2500)
    const input = new PassThrough()
    const killed = spawnAnnul(['import-users', '-'], { ANNUL_DATA_DIR: dataDir }, input)
    input.write(lines.slice(0, 1500).join(''))
    await until(() => isUser('killed-999@x.example'), Boolean, 60_000)
    killed.process.kill('SIGKILL')
    await killed.ended
    // What the server has read by then is imported.
    const { status, stdout } = await run(['import-users', '-'], lines.join(''))
    const [, imported, present] = /imported: (\d+)\. There already: (\d+)\./.exec(stdout) ?? []
    expect([status, Number(imported) + Number(present)]).toEqual([0, 2500])
    expect(Number(present)).toBeGreaterThanOrEqual(1000)
    expect(await run(['import-users', '-'], lines.join(''))).toMatchObject({ stdout: said(0, 2500) })
  })

  it('does not keep the server from its end, and is told', async () => {
    const input = new PassThrough()
    const waiting = spawnAnnul(['import-users', '-'], { ANNUL_DATA_DIR: dataDir }, input)
    const lines = fileOf('ended', 1500)
    input.write(lines.join(''))
    await until(() => isUser('ended-999@x.example'), Boolean, 60_000)
    expect((await node.stop()).status).toBe(0)
    expect(await waiting.ended).toMatchObject({
      status: 1,
      stderr: 'The running server ended before it answered. Check whether the command was carried out.\n',
    })
    // Without a server the command does the rest by itself.
    expect(await run(['import-users', '-'], lines.join(''))).toMatchObject({ stdout: said(500, 1000) })
    node = await startNode({ ANNUL_DATA_DIR: dataDir })
    await logIn('ended-1499@x.example')
  })
})

describe('The socket of a running embedded server', () => {
  it('closes when both sides have ended, also where a task leaves what it was sent', async () => {
    const version = JSON.stringify((await import('../../src/command/version.ts')).version)
    await byShortPath(join(dataDir, 'control'), async short => {
      const socket = connect(join(short, 'socket'))
      await once(socket, 'connect')
      socket.write(`{"version":${version},"task":"migrate","input":null}\n`)
      socket.end(Buffer.alloc(1_000_000, 'x'))
      let answer = ''
      for await (const chunk of socket) answer += chunk
      expect(answer).toBe('{"line":"The tables are up to date."}\n{"status":0}\n')
    })
  })
})
