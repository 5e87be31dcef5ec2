import { describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { annul } from '../support/command.ts'
import { onPostgres } from '../support/database.ts'
import { useOperatedServer } from '../support/operatedServer.ts'
import { until } from '../support/until.ts'

// What asks no database is tested in one mode.
const onlyPostgres = onPostgres ? it : it.skip
const me = '{ me { id } }'
const uuid = '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}'

const operated = useOperatedServer()

describe('annul --help', () => {
  const commands = [
    'serve',
    'migrate',
    'create-user',
    'import-users',
    'set-access',
    'set-password',
    'reset-factors',
    'block',
    'unblock',
    'rotate-keys',
    'revoke-everything',
    'restored',
    'purge',
    'audit',
    'create-service',
    'end-service',
    'services',
    'guards',
    'schema',
  ]

  onlyPostgres('lists every command, and each has its own, which needs no settings', async () => {
    const { status, stdout } = await annul(['--help'], {})
    expect(status).toBe(0)
    const listed = [...stdout.matchAll(/^ {2}([a-z-]+)(?: \[options\])?(?: <[^>]+>)* {2,}\w/gm)].map(
      ([, name]) => name,
    )
    expect(listed.filter(name => name !== 'help')).toEqual(commands)

    const helps = await Promise.all(commands.map(command => annul([command, '--help'], { PORT: 'none' })))
    helps.forEach((help, index) => {
      expect(help).toMatchObject({ status: 0, stderr: '' })
      expect(help.stdout).toMatch(new RegExp(`^Usage: annul ${commands[index]} .*\\n\\n\\w.+`))
    })
  })

  onlyPostgres('is what an unknown command and a missing option get, with status 1', async () => {
    for (const args of [['revoke-evrything'], ['create-user']]) {
      const { status, stdout, stderr } = await annul(args, {})
      expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
      expect(stderr).toMatch(/^error: (unknown|required) .+\n[\s\S]*Usage: annul/)
    }
  })
})

describe('annul create-user', () => {
  const account = { email: 'Root@Example.com', password: 'correct horse battery' }

  it('makes an account with roles and scopes, and takes the password from standard input', async () => {
    const args = ['create-user', '--email', account.email, '--roles', 'admin, ops', '--scopes', 'a:read']
    const [made] = await operated.runAll([{ args, input: `${account.password}\r\nignored` }])
    expect(made).toMatchObject({ status: 0, stderr: '' })
    expect(made?.stdout).toMatch(new RegExp(`^Made the user ${uuid}\\.\n$`))

    const { server } = operated
    const { accessToken, user } = await server.login(account)
    expect(made?.stdout).toContain(user.id)
    const answer = await server.send('{ me { email roles scopes status } }', { token: accessToken })
    expect(answer.data).toEqual({
      me: { email: account.email, roles: ['admin', 'ops'], scopes: ['a:read'], status: 'ACTIVE' },
    })
    const audit = await server.rows(
      sql`select kind, detail from annul.audit_events where user_id = ${user.id} order by id limit 1`,
    )
    expect(audit).toEqual([{ kind: 'create-user', detail: 'by the command' }])
  })

  it('refuses a taken e-mail, a bad password and a bad role in one sentence, and makes nobody', async () => {
    const count = () => operated.server.rows(sql`select count(*)::int from annul.users`)
    const before = await count()
    const input = 'another good password'
    const refused: [{ args: string[]; input: string }, string][] = [
      [{ args: ['--email', 'root@example.COM'], input }, 'There is an account with this e-mail.'],
      [
        { args: ['--email', 'new@example.com'], input: 'only 14 chars.' },
        'A password has at least 15 characters.',
      ],
      [
        { args: ['--email', 'new@example.com', '--roles', 'two words'], input },
        'A role or scope has 1 to 100 printable ASCII characters, without space, quote and backslash.',
      ],
    ]
    const ended = await operated.runAll(
      refused.map(([call]) => ({ ...call, args: ['create-user', ...call.args] })),
    )
    expect(ended).toEqual(refused.map(([, sentence]) => ({ status: 1, stdout: '', stderr: `${sentence}\n` })))
    expect(await count()).toEqual(before)
  })
})

describe('annul migrate', () => {
  it('changes nothing when the tables are up to date', async () => {
    const migrations = () => operated.server.rows(sql`select * from annul.migrations order by id`)
    const before = await migrations()
    expect(await operated.run('migrate')).toEqual({
      status: 0,
      stdout: 'The tables are up to date.\n',
      stderr: '',
    })
    expect(await migrations()).toEqual(before)
  })
})

describe('annul rotate-keys', () => {
  it('makes a key that signs in a minute, and tokens of either key are good on every node', async () => {
    const account = await operated.server.signUp()
    const rotated = await operated.run('rotate-keys')
    expect(rotated).toMatchObject({ status: 0, stderr: '' })
    expect(rotated.stdout).toMatch(/^The key \S+ signs in 60 seconds from now, when every node knows it\.\n$/)
    const kid = rotated.stdout.split(' ')[2] ?? ''
    // Announced, and not used yet.
    const early = await operated.server.login(account)
    expect(kidOf(early.accessToken)).toBe(kidOf(account.accessToken))

    // The minute passes.
    await operated.server.rows(
      sql`update annul.signing_keys set signs_from = now() - interval '1 second' where id = ${kid}`,
    )
    await operated.server.rows(sql`update annul.signing_keys set retired_at = now() where id <> ${kid}`)
    const later = await operated.secondNode()
    const jwks = await fetch(`${later.url}/.well-known/jwks.json`).then(
      response => response.json() as Promise<{ keys: { kid: string }[] }>,
    )
    expect(jwks.keys.map(key => key.kid)).toEqual([kid, kidOf(account.accessToken)])
    const late = await later.login(account)
    expect(kidOf(late.accessToken)).toBe(kid)
    for (const { accessToken } of [account, late]) {
      expect((await later.send(me, { token: accessToken })).data).toEqual({ me: { id: account.userId } })
      // A node that knew only the old key reads the keys again, at most once a second.
      const answer = await until(
        () => operated.server.send(me, { token: accessToken }),
        ({ reason }) => reason !== 'TOKEN_INVALID',
      )
      expect(answer.data).toEqual({ me: { id: account.userId } })
    }
    if (onPostgres) await later.close()
  })
})

function kidOf(token: string): string {
  const header: { kid: string } = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString())
  return header.kid
}
