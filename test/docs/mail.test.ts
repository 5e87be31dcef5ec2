import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from '@jest/globals'
import { readConfig } from '../../src/config.ts'
import { listenWith } from '../servers/contract/listenWith.ts'
import { appFolder } from '../support/appFolder.ts'
import { createClient } from '../support/client.ts'
import { newSecret } from '../support/command.ts'
import { compile } from '../support/compile.ts'
import { createDatabase } from '../support/database.ts'
import { root } from '../support/imports.ts'
import { mailFiles } from '../support/mails.ts'
import { until } from '../support/until.ts'

const text = await readFile(join(root, 'docs/mail.md'), 'utf8')
const [, program = ''] = /```ts\n([\s\S]*?)```/.exec(text) ?? []

let child: ChildProcess | undefined
afterEach(async () => {
  const running = child?.exitCode === null ? child : undefined
  child = undefined
  if (running === undefined) return
  running.kill('SIGKILL')
  await once(running, 'exit')
})

describe('docs/mail.md', () => {
  it('has a program that compiles', async () => {
    expect(await compile(program)).toEqual([])
  })

  it('has a program whose texts are sent', async () => {
    const { url, close } = await listenWith(() => {})
    await close()
    const folder = await appFolder()
    await writeFile(join(folder, 'server.ts'), program.replaceAll('4000', new URL(url).port))
    const { env } = await createDatabase()
    const { PATH = '' } = process.env
    child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), 'server.ts'], {
      cwd: folder,
      env: { PATH, ANNUL_SECRET: newSecret(), ANNUL_LEASE_MS: '500', ...env },
      stdio: ['ignore', 'ignore', 'ignore'],
    })
    await until(
      async () => child?.exitCode !== null || (await fetch(url).then(Boolean, () => false)),
      Boolean,
      60_000,
    )
    const client = createClient(url)
    const account = await client.signUp()
    await client.send(
      'mutation ($input: ChangePasswordInput!) { changePassword(input: $input) { expiresIn } }',
      {
        variables: {
          input: { currentPassword: account.password, newPassword: 'another password of the tests' },
        },
        token: account.accessToken,
      },
    )
    const [mail] = await until(
      () => mailFiles({ env }, account.email),
      ({ length }) => length > 0,
    )
    expect(mail?.headers.subject).toBe('Passwort geändert (Annul)')
    expect(mail?.html).toContain('<p>Das Passwort Ihres Kontos wurde geändert.</p>')
  })

  it('names every setting of mails, every kind and every outcome', async () => {
    const metrics = await readFile(join(root, 'src/metrics.ts'), 'utf8')
    const [, outcomes = ''] = /Mails of the outbox, by kind and outcome \((.*)\)\./.exec(metrics) ?? []
    const kinds = await readFile(join(root, 'src/app/mails.ts'), 'utf8')
    const names = [
      ...outcomes.split(', '),
      ...[...kinds.matchAll(/^ {2}\| '([a-z-]+)'/gm)].map(([, kind = '']) => kind),
      ...['ANNUL_SMTP_URL', 'ANNUL_MAIL_FROM', 'ANNUL_SITE_NAME', 'ANNUL_PUBLIC_URL', 'ANNUL_LINKS'],
    ]
    expect(names.length).toBeGreaterThan(20)
    expect(names.filter(name => !text.includes(`\`${name}\``))).toEqual([])
    expect(readConfig({ ANNUL_LINKS: 'https://app.example.com/{purpose}#{token}' }).links).toBeDefined()
  })
})
