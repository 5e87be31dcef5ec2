import { afterEach, describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/postgres-js'
import postgres from 'postgres'
import { queueMail } from '../../src/mail/queueMail.ts'
import { type Cluster, startCluster } from '../support/cluster.ts'
import { createPostgresDatabase, onPostgres } from '../support/database.ts'
import { type Smtp, startSmtp } from '../support/smtp.ts'
import { until } from '../support/until.ts'

const describePostgres = onPostgres ? describe : describe.skip

let cluster: Cluster | undefined
let smtp: Smtp | undefined
let client: postgres.Sql | undefined
afterEach(async () => {
  await cluster?.close()
  await client?.end()
  await smtp?.close()
})

describePostgres('a node that is killed', () => {
  it.each([
    ['while the server thinks', false],
    ['after the server has accepted the mail', true],
  ])('%s leaves the mail to another node, when its lease has ended', async (_, isAccepted) => {
    const ids: string[] = []
    let release = () => {}
    const mailServer = await startSmtp({
      onMail: ({ headers }) => {
        ids.push(headers['message-id'] ?? '')
        if (ids.length > 1) return undefined
        return new Promise(resolve => {
          release = () => resolve(undefined)
        })
      },
    })
    smtp = mailServer
    const databaseUrl = await createPostgresDatabase()
    const env = { ANNUL_SMTP_URL: mailServer.url, ANNUL_MAIL_FROM: 'auth@example.com' }
    cluster = await startCluster({ databaseUrl, nodes: 1, env })
    client = postgres(databaseUrl, { max: 1, onnotice: () => {} })
    const db = drizzle(client)
    const rows = () =>
      db.execute<{ attempts: number; wait: number }>(
        sql`select attempts, extract(epoch from next_at - now())::float8 as wait from annul.outbox`,
      )

    await queueMail(db, { kind: 'password-changed', recipient: 'ada@example.com' })
    await until(
      () => ids,
      ({ length }) => length === 1,
    )
    const [first] = cluster.nodes
    if (isAccepted) {
      // The node stands still when the answer arrives, and is killed before it reads the answer.
      first?.signal('SIGSTOP')
      release()
      await until(
        () => mailServer.received,
        ({ length }) => length === 1,
      )
    }
    await first?.kill()
    release()

    await cluster.start()
    const [row] = await rows()
    // Claimed, and not for ever.
    expect(row?.attempts).toBe(1)
    expect(row?.wait).toBeGreaterThan(0)
    expect(row?.wait).toBeLessThanOrEqual(120)
    await db.execute(sql`update annul.outbox set next_at = now()`)
    await until(rows, ({ length }) => length === 0)
    // Sent at least once; the Message-ID tells the recipient that both are one mail.
    expect(ids).toHaveLength(2)
    expect(new Set(ids).size).toBe(1)
  })
})
