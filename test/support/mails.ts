import { randomUUID } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sql } from 'drizzle-orm'
import { transact } from '../../src/database/transact.ts'
import { type QueuedMail, queueMail } from '../../src/mail/queueMail.ts'
import type { TestServer } from './server.ts'
import { type ReceivedMail, readMail } from './smtp.ts'
import { until } from './until.ts'

/** A mail that was written to a file. */
export interface MailFile extends Pick<ReceivedMail, 'raw' | 'headers' | 'text' | 'html'> {
  readonly file: string
  readonly kind: string
  readonly to: string
}

export const folderOf = (server: Pick<TestServer, 'env'>) => join(server.env.ANNUL_DATA_DIR ?? '', 'outbox')

/** The mails of a server without an SMTP server, oldest first. */
export async function mailFiles(server: Pick<TestServer, 'env'>, to?: string): Promise<MailFile[]> {
  const folder = folderOf(server)
  const names = await readdir(folder).catch(() => [])
  const mails = names.sort().flatMap(name => {
    const [, kind] = /^\d{4}-\d\d-\d\dT[\d-]+Z-([a-z-]+)-[0-9a-f]{8}-[0-9a-f-]+\.eml$/.exec(name) ?? []
    return kind === undefined ? [] : [{ file: join(folder, name), kind }]
  })
  const read = await Promise.all(
    mails.map(async mail => {
      const contents = readMail(await readFile(mail.file, 'utf8'))
      return { ...mail, ...contents, to: contents.headers.to?.replace(/^<|>$/g, '') ?? '' }
    }),
  )
  return to === undefined ? read : read.filter(mail => mail.to === to)
}

/** Queues a mail as a verb does, and waits until the outbox is empty. */
export async function deliver(server: TestServer, mail: Partial<QueuedMail>): Promise<void> {
  await transact(server.auth.parts, tx =>
    queueMail(tx, { kind: 'verify-email', recipient: 'ada@example.com', ...mail }),
  )
  await emptied(server)
}

/** Waits until every mail has left. */
export async function emptied(server: TestServer): Promise<void> {
  await until(
    () => server.rows(sql`select 1 from annul.outbox`),
    ({ length }) => length === 0,
  )
}

/** A live one-time token. @returns its id */
export async function makeToken(
  server: TestServer,
  purpose: string,
  options: { life?: string; ended?: boolean; code?: boolean; userId?: string } = {},
): Promise<string> {
  const { life = '30 minutes', ended = false, code = false, userId = null } = options
  const id = randomUUID()
  await server.rows(sql`
    insert into annul.one_time_tokens (id, purpose, user_id, email, email_key, device, expires_at, ended_at)
    values (${id}, ${purpose}, ${userId}, 'ada@example.com', 'ada@example.com',
      case when ${code} then '\\x00'::bytea end,
      now() + ${life}::interval, case when ${ended} then now() end)`)
  return id
}
