import { describe, expect, it } from '@jest/globals'
import { appWithout } from '../support/appWithout.ts'
import { newSecret, spawnAnnul } from '../support/command.ts'
import { createDatabase } from '../support/database.ts'
import { until } from '../support/until.ts'

describe('at the start', () => {
  it('the missing package is named, where ANNUL_SMTP_URL is set, and not needed where it is not', async () => {
    const start = await appWithout('nodemailer')
    const { env } = await createDatabase()
    const { PATH = '' } = process.env
    const run = (more: Record<string, string>) =>
      start({ PATH, ANNUL_SECRET: newSecret(), ANNUL_LOG_LEVEL: 'silent', ...env, ...more })
    const secret = newSecret()
    expect(await run({ ANNUL_SMTP_URL: 'smtp://mail.example.com', ANNUL_SECRET: secret })).toBe(
      'ANNUL_SMTP_URL (smtpUrl) needs packages that are not installed: npm install nodemailer\n',
    )
    expect(await run({ ANNUL_SECRET: secret })).toBe('opened\n')
  })

  it.each([
    ['production', 1],
    ['development', 0],
  ])('in %s it is said %p times that mails are only written to files', async (mode, times) => {
    const { env } = await createDatabase()
    const production = { NODE_ENV: mode, ANNUL_SECRET: newSecret(), PORT: '0', ...env }
    const server = spawnAnnul(['serve'], production)
    await until(() => server.output.stdout.includes('Annul is ready'))
    server.process.kill('SIGTERM')
    const { stderr } = await server.ended
    const message = 'Mails are only written to files, because ANNUL_SMTP_URL is not set.'
    expect(stderr.split(message)).toHaveLength(times + 1)
  })
})
