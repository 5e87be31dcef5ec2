import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { cert } from '../support/certificate.ts'
import { createClient } from '../support/client.ts'
import { newSecret, spawnAnnul } from '../support/command.ts'
import { createDatabase, temporaryDirectory } from '../support/database.ts'
import { startSmtp } from '../support/smtp.ts'
import { until } from '../support/until.ts'

describe('a mail server whose certificate is trusted', () => {
  it.each([
    ['smtps', { secure: true }],
    ['STARTTLS, because the server offers it', { secure: false, hideSTARTTLS: false }],
  ])('gets the mail by %s', async (_, options) => {
    const ca = join(await temporaryDirectory(), 'ca.pem')
    await writeFile(ca, cert)
    const smtp = await startSmtp(options)
    const { env } = await createDatabase()
    const server = spawnAnnul(['serve'], {
      PORT: '0',
      ANNUL_SECRET: newSecret(),
      ANNUL_SMTP_URL: smtp.url,
      ANNUL_PUBLIC_URL: 'https://auth.example.com',
      NODE_EXTRA_CA_CERTS: ca,
      ...env,
    })
    const url = await until(() => /ready at (.*)\/graphql/.exec(server.output.stdout)?.[1] ?? '')
    const client = createClient(url)
    const account = await client.signUp()
    const newPassword = 'another password of the tests'
    await client.send(
      'mutation ($input: ChangePasswordInput!) { changePassword(input: $input) { expiresIn } }',
      {
        variables: { input: { currentPassword: account.password, newPassword } },
        token: account.accessToken,
      },
    )
    const [mail] = await until(
      () => smtp.received,
      ({ length }) => length > 0,
    )
    expect(mail).toMatchObject({ secure: true, from: 'no-reply@auth.example.com', to: account.email })
    server.process.kill('SIGTERM')
    expect((await server.ended).status).toBe(0)
    await smtp.close()
  })
})
