import { describe, expect, it } from '@jest/globals'
import { createAuth, insidesOf } from '../../src/auth.ts'
import { transact } from '../../src/database/transact.ts'
import { queueMail } from '../../src/mail/queueMail.ts'
import { newSecret } from '../support/command.ts'
import { createDatabase } from '../support/database.ts'
import { deliver, mailFiles, makeToken } from '../support/mails.ts'
import { startTestServer, type TestServer, useServer } from '../support/server.ts'
import { until } from '../support/until.ts'

const tokenOf = (server: TestServer, id: string) => server.auth.parts.oneTimeTokens.derive(id)

describe('the link of a mail', () => {
  const server = useServer({ env: { ANNUL_PUBLIC_URL: 'https://auth.example.com/sub/' } })

  it.each([
    ['register', 'verify-email', 'confirm-registration'],
    ['verify-email', 'verify-email', 'verify-email'],
    ['change-email', 'verify-email', 'confirm-new-email'],
    ['reset-password', 'reset-password', 'reset-password'],
    ['restore-email', 'restore-email', 'email-changed'],
  ] as const)('for a token of the purpose %s leads to the page %s', async (purpose, page, kind) => {
    const tokenId = await makeToken(server, purpose)
    const recipient = `${purpose}@example.com`
    await deliver(server, { kind, recipient, tokenId })
    const [mail] = await mailFiles(server, recipient)
    const link = `https://auth.example.com/sub/account/${page}?token=${tokenOf(server, tokenId)}`
    expect(mail?.text.split(/\s/)).toContain(link)
    expect(mail?.html).toContain(`href="${link}"`)
  })

  it('is the app’s own, where it has a template', async () => {
    const app = await startTestServer({
      env: { ANNUL_LINKS: 'https://app.example.com/#/{purpose}?a=1&t={token}' },
    })
    const tokenId = await makeToken(app, 'reset-password')
    await deliver(app, { kind: 'reset-password', recipient: 'own@example.com', tokenId })
    const [mail] = await mailFiles(app, 'own@example.com')
    const token = tokenOf(app, tokenId)
    expect(mail?.text.split(/\s/)).toContain(`https://app.example.com/#/reset-password?a=1&t=${token}`)
    expect(mail?.html).toContain(`href="https://app.example.com/#/reset-password?a=1&amp;t=${token}"`)
    await app.close()
  })

  it.each([
    ['has ended', { ended: true }],
    ['has expired', { ended: false, life: '-1 second' }],
  ])('whose token %s before it was sent leads nowhere, so the mail is dropped', async (_, options) => {
    const tokenId = await makeToken(server, 'reset-password', options)
    const recipient = `dead-${options.ended}@example.com`
    await deliver(server, { kind: 'reset-password', recipient, tokenId })
    await deliver(server, {
      kind: 'reset-password',
      recipient,
      tokenId: '00000000-0000-4000-8000-000000000000',
    })
    expect(await mailFiles(server, recipient)).toEqual([])
    const metrics = await (await fetch(`${server.url}/metrics`)).text()
    expect(metrics).toMatch(/annul_mails_total\{kind="reset-password",outcome="dead"\} \d/)
  })

  it('without a public URL is warned of once, where another server than Annul’s own listens', async () => {
    const { env } = await createDatabase()
    const lines: string[] = []
    const write = (_: object, message: string) => lines.push(message)
    const auth = await createAuth({
      databaseUrl: env.DATABASE_URL,
      dataDir: env.ANNUL_DATA_DIR,
      secret: newSecret(),
      port: 4321,
      log: { info: write, warn: write, error: write },
    })
    const { parts } = insidesOf(auth)
    const node = { rows: (statement: never) => parts.db.execute(statement), env, auth: { parts } }
    for (let at = 0; at < 2; at++) {
      const tokenId = await makeToken(node as never, 'reset-password')
      await transact(parts, tx =>
        queueMail(tx, { kind: 'reset-password', recipient: 'ada@example.com', tokenId }),
      )
    }
    const mails = await until(
      () => mailFiles(node as never),
      ({ length }) => length === 2,
    )
    expect(mails[0]?.text).toContain('http://127.0.0.1:4321/account/reset-password?token=')
    const warning =
      'A mail has a link, and ANNUL_PUBLIC_URL (publicUrl) is not set: the link may lead nowhere.'
    expect(lines.filter(line => line === warning)).toHaveLength(1)
    await auth.close()
  })
})
