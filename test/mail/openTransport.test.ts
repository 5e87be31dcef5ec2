import { execFile } from 'node:child_process'
import { cp, mkdir, readdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from '@jest/globals'
import { newSecret, spawnAnnul } from '../support/command.ts'
import { createDatabase, temporaryDirectory } from '../support/database.ts'
import { root } from '../support/imports.ts'
import { until } from '../support/until.ts'

describe('at the start', () => {
  it('the missing package is named, where ANNUL_SMTP_URL is set, and not needed where it is not', async () => {
    const folder = await temporaryDirectory()
    const modules = join(folder, 'node_modules')
    await mkdir(join(modules, 'annul'), { recursive: true })
    for (const part of ['dist', 'schema', 'drizzle', 'package.json'])
      await cp(join(root, part), join(modules, 'annul', part), { recursive: true })
    const missing = ['.bin', '.package-lock.json', 'nodemailer', 'annul']
    for (const name of await readdir(join(root, 'node_modules')))
      if (!missing.includes(name)) await symlink(join(root, 'node_modules', name), join(modules, name))
    await writeFile(
      join(folder, 'app.mjs'),
      `import { createAuth } from 'annul'
      await createAuth().then(auth => auth.close()).then(() => console.log('opened'), error => console.log(error.message))`,
    )
    const { env } = await createDatabase()
    const { PATH = '' } = process.env
    const run = async (more: Record<string, string>) => {
      const settings = { PATH, ANNUL_SECRET: newSecret(), ANNUL_LOG_LEVEL: 'silent', ...env, ...more }
      return (await promisify(execFile)(process.execPath, ['app.mjs'], { cwd: folder, env: settings })).stdout
    }
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
