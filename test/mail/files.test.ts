import { mkdir, readdir, stat, writeFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { onPostgres, temporaryDirectory } from '../support/database.ts'
import { deliver, folderOf, mailFiles, makeToken } from '../support/mails.ts'
import { startTestServer, useServer } from '../support/server.ts'
import { until } from '../support/until.ts'

const lines: Record<string, unknown>[] = []
const server = useServer({
  env: { ANNUL_SITE_NAME: 'Bücher, Blumen & mehr' },
  onLogLine: line => lines.push(JSON.parse(line)),
})

const onlyPostgres = onPostgres ? it : it.skip

describe('without ANNUL_SMTP_URL, a mail', () => {
  it('is a file that only its owner may read, in a folder of its own', async () => {
    await deliver(server, { kind: 'password-changed', recipient: 'files@example.com' })
    const [mail] = await mailFiles(server, 'files@example.com')
    expect(mail?.headers).toEqual({
      from: 'Bücher, Blumen & mehr <no-reply@localhost>',
      to: '<files@example.com>',
      subject: 'Your password for Bücher, Blumen & mehr was changed',
      'message-id': expect.stringMatching(/^<[0-9a-f-]{36}@localhost>$/),
      date: expect.stringMatching(/^\w{3}, \d\d \w{3} \d{4} [\d:]{8} \+0000$/),
      'auto-submitted': 'auto-generated',
      'mime-version': '1.0',
      'content-type': expect.stringContaining('multipart/alternative'),
    })
    // A header's line is ASCII, and no longer than RFC 5322 allows.
    const [headers = ''] = mail?.raw.split('\r\n\r\n') ?? []
    expect(headers).toMatch(/^[\x20-\x7e\r\n]*$/)
    expect(headers.split('\r\n').every(({ length }) => length <= 78)).toBe(true)
    if (process.platform !== 'win32') {
      expect((await stat(mail?.file ?? '')).mode & 0o777).toBe(0o600)
      expect((await stat(folderOf(server))).mode & 0o777).toBe(0o700)
    }
    // No draft is left.
    expect((await readdir(folderOf(server))).filter(name => !name.endsWith('.eml'))).toEqual([])
  })

  it('is named in the log, which holds neither its link nor its address', async () => {
    const tokenId = await makeToken(server, 'reset-password', { code: true })
    await deliver(server, { kind: 'reset-password', recipient: 'log@example.com', tokenId })
    const [mail] = await mailFiles(server, 'log@example.com')
    const { oneTimeTokens } = server.auth.parts
    const link = `${server.url}/account/reset-password?token=${oneTimeTokens.derive(tokenId)}`
    expect(mail?.text).toContain(`\r\n${link}\r\n`)
    expect(lines).toContainEqual(
      expect.objectContaining({ file: mail?.file, kind: 'reset-password', level: 30 }),
    )
    const written = JSON.stringify(lines)
    expect(written).toContain(basename(mail?.file ?? ''))
    expect(written).not.toContain(oneTimeTokens.derive(tokenId))
    expect(written).not.toContain(oneTimeTokens.code(tokenId))
    expect(written).not.toContain('log@example.com')
  })

  // The embedded database is in the same directory, and could not be opened either.
  onlyPostgres(
    'stays in the outbox while the folder can not be written, and leaves when it can',
    async () => {
      const dir = await temporaryDirectory()
      await writeFile(`${dir}/outbox`, 'a file in the place of the folder')
      const told: Record<string, unknown>[] = []
      const node = await startTestServer({
        config: { dataDir: `${dir}/outbox` },
        onLogLine: line => told.push(JSON.parse(line)),
      })
      const queued = deliver(node, { kind: 'password-changed', recipient: 'later@example.com' })
      await until(() => told.some(({ msg }) => msg === 'A mail could not be sent, and is tried again.'))
      expect(await node.rows(sql`select 1 from annul.outbox`)).toHaveLength(1)
      await mkdir(`${dir}/other`)
      await node.close()
      const next = await startTestServer({
        database: node.database,
        env: node.env,
        config: { dataDir: `${dir}/other` },
      })
      await next.rows(sql`update annul.outbox set next_at = now()`)
      next.auth.parts.mails.nudge()
      await queued.catch(() => {})
      await until(
        () => readdir(`${dir}/other/outbox`).catch(() => []),
        ({ length }) => length === 1,
      )
      await next.close()
    },
  )
})
