import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { annul, type NodeProcess, startNode } from '../support/command.ts'
import { temporaryDirectory } from '../support/database.ts'
import { useOperatedServer } from '../support/operatedServer.ts'

// Each command is a process of its own, and the machine may have other things to do.
jest.setTimeout(180_000)

const me = '{ me { id } }'
const uuid = '[0-9a-f-]{36}'
const revoked = new RegExp(
  `^The key (${uuid}) is revoked: no node accepts a token that it has signed\\. The key (${uuid}) signs now\\.\\n$`,
)
const kidOf = (token: string) =>
  JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()).kid as string

describe('annul rotate-keys', () => {
  const operated = useOperatedServer()

  it('makes a key, and tells the audit of it', async () => {
    const { status, stdout } = await operated.run('rotate-keys')
    expect([status, stdout]).toEqual([
      0,
      expect.stringMatching(
        new RegExp(`^The key ${uuid} signs in 60 seconds from now, when every node knows it\\.\\n$`),
      ),
    ])
    const [event] = await operated.server.rows(
      sql`select kind, detail from annul.audit_events order by id desc limit 1`,
    )
    expect(event).toEqual({ kind: 'rotate-keys', detail: stdout.split(' ')[2] })
  })

  it('--revoke refuses the tokens of the key that signs on a running node; clients refresh', async () => {
    const account = await operated.server.signUp()
    const { status, stdout, stderr } = await operated.run('rotate-keys', '--revoke', '--yes')
    expect([status, stderr]).toEqual([0, ''])
    const [, kid, signer] = revoked.exec(stdout) ?? []
    expect(kid).toBe(kidOf(account.accessToken))
    const { server } = operated
    expect(await server.send(me, { token: account.accessToken })).toMatchObject({
      ...{ status: 401, code: 'UNAUTHENTICATED', reason: 'KEY_REVOKED' },
    })
    const { data } = await server.refresh(account.refreshToken)
    expect(kidOf(data?.refresh.accessToken ?? '')).toBe(signer)
    expect((await server.send(me, { token: data?.refresh.accessToken ?? '' })).status).toBe(200)
  })

  it('asks before it revokes, and refuses what is no key, with nothing changed', async () => {
    const keys = () => operated.server.rows(sql`select id, revoked_at from annul.signing_keys order by id`)
    const before = await keys()
    const { kid } = operated.server.auth.parts.keys.current()
    const unknown = randomUUID()
    const gone = (await operated.server.rows<{ id: string }>(
      sql`select id from annul.signing_keys where revoked_at is not null`,
    )) as [{ id: string }]
    const ended = await operated.runAll([
      { args: ['rotate-keys', '--revoke'] },
      { args: ['rotate-keys', '--revoke', kid] },
      { args: ['rotate-keys', '--revoke', unknown, '--yes'] },
      { args: ['rotate-keys', '--revoke', gone[0].id, '--yes'] },
    ])
    expect(ended).toEqual(
      [
        'This ends every access token that the key that signs now has signed; sessions go on. There is no terminal to ask at: confirm it with --yes.',
        `This ends every access token that the key ${kid} has signed; sessions go on. There is no terminal to ask at: confirm it with --yes.`,
        `There is no signing key "${unknown}".`,
        `The signing key ${gone[0].id} was revoked already.`,
      ].map(sentence => ({ status: 1, stdout: '', stderr: `${sentence}\n` })),
    )
    expect(await keys()).toEqual(before)
  })
})

describe('annul rotate-keys --revoke beside a running embedded server', () => {
  let node: NodeProcess
  let dataDir: string
  beforeAll(async () => {
    dataDir = await temporaryDirectory()
    node = await startNode({ ANNUL_DATA_DIR: dataDir })
  })
  afterAll(() => node.stop())

  it('is performed by the server, which refuses the tokens at once and signs with another key', async () => {
    const account = await node.signUp()
    expect((await node.send(me, { token: account.accessToken })).status).toBe(200)
    const { status, stdout } = await annul(['rotate-keys', '--revoke', '--yes'], { ANNUL_DATA_DIR: dataDir })
    expect(status).toBe(0)
    const [, kid, signer] = revoked.exec(stdout) ?? []
    expect(kid).toBe(kidOf(account.accessToken))
    expect(await node.send(me, { token: account.accessToken })).toMatchObject({ reason: 'KEY_REVOKED' })
    expect(kidOf((await node.login(account)).accessToken)).toBe(signer)
  })
})
