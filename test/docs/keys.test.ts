import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it, jest } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { createDatabase, temporaryDirectory } from '../support/database.ts'
import { root } from '../support/imports.ts'
import { useOperatedServer } from '../support/operatedServer.ts'
import { startTestServer } from '../support/server.ts'

// Each command is a process of its own, and the machine may have other things to do.
jest.setTimeout(180_000)

const page = readFileSync(join(root, 'docs/keys.md'), 'utf8')
const blocks = (language: string) =>
  [...page.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(
    match => match[1]?.trim() ?? '',
  )
const me = '{ me { id } }'

describe('docs/keys.md', () => {
  const operated = useOperatedServer()

  it('has commands that run as they are written', async () => {
    const commands = blocks('sh').map(text => /^(?:\w+="\$\w+" )?annul (.*)$/.exec(text)?.[1] ?? '')
    expect(commands).toEqual([
      'rotate-keys',
      'rotate-keys --revoke --yes',
      'audit verify',
      'revoke-everything --yes',
    ])
    const ended = await operated.runAll(commands.map(command => ({ args: command.split(' ') })))
    expect(ended.map(({ status, stderr }) => [status, stderr])).toEqual(commands.map(() => [0, '']))
  })

  it('has a verifier that accepts a token of the server, and no other', async () => {
    const { server } = operated
    const { accessToken, userId } = await server.signUp()
    const folder = await temporaryDirectory()
    await mkdir(join(folder, 'node_modules'))
    await symlink(join(root, 'node_modules/jose'), join(folder, 'node_modules/jose'))
    await writeFile(join(folder, 'verify.mjs'), blocks('js')[0] ?? '')
    await writeFile(
      join(folder, 'main.mjs'),
      `import { verify } from './verify.mjs'
       console.log((await verify(process.argv[2])).sub)
       await verify(process.argv[2].slice(0, -8) + 'AAAAAAAA').catch(error => console.log(error.code))`,
    )
    const { PATH = '' } = process.env
    const env = { PATH, ANNUL_ISSUER: 'annul', JWKS_URL: `${server.url}/.well-known/jwks.json` }
    const { stdout } = await promisify(execFile)(process.execPath, ['main.mjs', accessToken], {
      cwd: folder,
      env,
    })
    expect(stdout.trim().split('\n')).toEqual([userId, 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED'])
  })

  it('has rounds in which a session lives on', async () => {
    const secrets: Record<string, string> = {}
    for (const name of ['old', 'new']) secrets[name] = randomBytes(32).toString('base64')
    const rounds = [...page.matchAll(/^\| (\d) \| (old|new) \| (old|new)? ?\| /gm)].map(
      ([, , secret = '', previous]) => ({
        ANNUL_SECRET: secrets[secret] ?? '',
        ...(previous && { ANNUL_SECRET_PREVIOUS: secrets[previous] ?? '' }),
      }),
    )
    expect(rounds.map(round => Object.keys(round).length)).toEqual([2, 2, 1])
    const database = await createDatabase()
    let node = await startTestServer({ database, env: { ANNUL_SECRET: secrets.old ?? '' } })
    const account = await node.signUp()
    let { refreshToken } = account
    for (const round of rounds) {
      await node.close()
      node = await startTestServer({ database, env: round })
      const { data } = await node.refresh(refreshToken)
      refreshToken = data?.refresh.refreshToken ?? ''
      expect((await node.send(me, { token: account.accessToken })).data).toEqual({
        me: { id: account.userId },
      })
    }
    await node.close()
  })

  it('has a way on when the secret is lost: everybody signs in again', async () => {
    const database = await createDatabase()
    let node = await startTestServer({ database })
    const account = await node.signUp()
    const [statement = ''] = blocks('sql')
    await node.rows(sql.raw(statement))
    await node.close()
    node = await startTestServer({ database })
    expect((await node.send(me, { token: account.accessToken })).reason).toBe('TOKEN_INVALID')
    expect((await node.refresh(account.refreshToken)).reason).toBe('TOKEN_INVALID')
    const { accessToken } = await node.login(account)
    expect((await node.send(me, { token: accessToken })).status).toBe(200)
    await node.close()
  })
})
