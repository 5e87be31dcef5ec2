import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { transact } from '../../src/database/transact.ts'
import { type QueuedMail, queueMail } from '../../src/mail/queueMail.ts'
import { requestPasswordReset } from '../support/account.ts'
import { must } from '../support/answers.ts'
import { onPostgres } from '../support/database.ts'
import { startTestServer, type TestServer, type TestServerOptions } from '../support/server.ts'
import { type Smtp, type SmtpOptions, startSmtp } from '../support/smtp.ts'
import { until } from '../support/until.ts'

const onlyPostgres = onPostgres ? it : it.skip

const open: { close(): Promise<unknown> }[] = []
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close()
})

async function smtpServer(options: SmtpOptions = {}): Promise<Smtp> {
  const smtp = await startSmtp(options)
  open.push(smtp)
  return smtp
}

interface Node extends TestServer {
  /** The lines of its log about mails. */
  readonly lines: Record<string, unknown>[]
}

async function node(smtpUrl: string, options: TestServerOptions = {}): Promise<Node> {
  const lines: Record<string, unknown>[] = []
  const server = await startTestServer({
    ...options,
    env: { ANNUL_SMTP_URL: smtpUrl, ANNUL_MAIL_FROM: 'auth@example.com', ...options.env },
    onLogLine: line => {
      const entry = JSON.parse(line)
      if (/mail|outbox/i.test(entry.msg)) lines.push(entry)
    },
  })
  open.push(server)
  return { ...server, lines }
}

const queue = (server: TestServer, mail: Partial<QueuedMail> = {}) =>
  transact(server.auth.parts, tx =>
    queueMail(tx, { kind: 'password-changed', recipient: 'ada@example.com', ...mail }),
  )
const outbox = (server: TestServer) =>
  server.rows<{ attempts: number; wait: number }>(sql`
    select attempts, extract(epoch from next_at - now())::float8 as wait from annul.outbox order by created_at`)
/** As if the pause were over. */
const endPauses = (server: TestServer) => server.rows(sql`update annul.outbox set next_at = now()`)
const counted = async (server: TestServer) => {
  const text = await (await fetch(`${server.url}/metrics`)).text()
  return [...text.matchAll(/^annul_mails_total\{(.*)\} (\d+)$/gm)].map(([, labels, count]) => [labels, count])
}

describe('a mail', () => {
  it('is sent right after its commit, and then it is in the outbox no more', async () => {
    const smtp = await smtpServer()
    const server = await node(smtp.url, { env: { ANNUL_SITE_NAME: 'The Shop' } })
    await queue(server, { detail: { device: 'Firefox on Linux', ipAddress: '192.0.2.1' } })
    const [mail] = await until(
      () => smtp.received,
      ({ length }) => length > 0,
    )
    expect(mail).toMatchObject({ from: 'auth@example.com', to: 'ada@example.com' })
    expect(mail?.headers).toMatchObject({
      from: 'The Shop <auth@example.com>',
      to: 'ada@example.com',
      subject: 'Your password for The Shop was changed',
      'auto-submitted': 'auto-generated',
      'message-id': expect.stringMatching(/^<[0-9a-f-]{36}@example\.com>$/),
      'mime-version': '1.0',
    })
    expect(mail?.text).toContain('Device: Firefox on Linux\r\nIP address: 192.0.2.1')
    expect(mail?.html).toContain('<html lang="en">')
    expect(
      await until(
        () => outbox(server),
        ({ length }) => length === 0,
      ),
    ).toEqual([])
    expect(await counted(server)).toEqual([['kind="password-changed",outcome="sent"', '1']])
  })

  it('does not wait for the poll that finds the mails of other nodes', async () => {
    const smtp = await smtpServer()
    const server = await node(smtp.url)
    const startedAt = performance.now()
    for (let sent = 1; sent <= 5; sent++) {
      await queue(server)
      await until(
        () => smtp.received,
        ({ length }) => length === sent,
      )
    }
    // Each after the one before: by polls, every 5 s, the fifth would leave after 20 s at the earliest.
    expect(performance.now() - startedAt).toBeLessThan(15_000)
  })

  it('of a transaction that was rolled back never leaves', async () => {
    const smtp = await smtpServer()
    const server = await node(smtp.url)
    const undone = transact(server.auth.parts, async tx => {
      await queueMail(tx, { kind: 'password-changed', recipient: 'undone@example.com' })
      // Long enough for a sender that would not wait for the commit.
      await tx.execute(sql`select pg_sleep(0.3)`)
      throw new Error('undone')
    })
    await expect(undone).rejects.toThrow('undone')
    await queue(server, { recipient: 'done@example.com' })
    await until(
      () => smtp.received,
      ({ length }) => length > 0,
    )
    await delay(300)
    expect(smtp.received.map(({ to }) => to)).toEqual(['done@example.com'])
  })

  it('is sent by a poll, where no commit of this node tells of it', async () => {
    const smtp = await smtpServer()
    const server = await node(smtp.url)
    await server.rows(sql`insert into annul.outbox (id, kind, recipient)
      values (${randomUUID()}, 'password-changed', 'elsewhere@example.com')`)
    await until(
      () => smtp.received,
      ({ length }) => length === 1,
    )
  })

  it('to nobody is claimed and removed like any other, and never sent', async () => {
    const smtp = await smtpServer()
    const server = await node(smtp.url)
    must(await requestPasswordReset(server, 'nobody@example.com'))
    const queued = await server.rows(sql`select kind, recipient, user_id from tests.queued_mails`)
    expect(queued).toEqual([{ kind: 'nobody', recipient: '', user_id: null }])
    await until(
      () => outbox(server),
      ({ length }) => length === 0,
    )
    await until(
      () => counted(server),
      ({ length }) => length > 0,
    )
    expect(await counted(server)).toEqual([['kind="nobody",outcome="dead"', '1']])
    expect(smtp.received).toEqual([])
    expect(server.lines).toEqual([])
  })

  it('with a recipient that SMTP would read as something else goes to nobody else', async () => {
    const smtp = await smtpServer()
    const server = await node(smtp.url, {
      env: {
        ANNUL_SITE_NAME: 'Shop, Inc. <ceo@example.com>',
        ANNUL_MAIL_FROM: 'Shop, Inc. <auth@example.com>',
      },
    })
    const addresses = ['a,b@example.com', 'x@example.com\r\nRCPT TO:<victim@example.com>', 'a><b@example.com']
    for (const recipient of addresses) await queue(server, { recipient })
    await until(
      () => outbox(server),
      ({ length }) => length === 0,
    )
    expect(smtp.received.map(({ to }) => to)).toEqual(['"a,b"@example.com'])
    const [mail] = smtp.received
    expect(mail?.from).toBe('auth@example.com')
    expect(mail?.headers.from).toBe('"Shop, Inc." <auth@example.com>')
    expect(mail?.headers.subject).toBe('Your password for Shop, Inc. <ceo@example.com> was changed')
    expect(Object.keys(mail?.headers ?? {})).not.toContain('bcc')
    expect(await counted(server)).toContainEqual(['kind="password-changed",outcome="refused"', '2'])
  })
})

describe('a server that fails', () => {
  it('for a while gets the mail again, with growing pauses and the same Message-ID', async () => {
    const tried: string[] = []
    const smtp = await smtpServer({
      onMail: ({ headers }) => {
        tried.push(headers['message-id'] ?? '')
        return tried.length < 4 ? '451 4.3.0 <ada@example.com> try later' : undefined
      },
    })
    const server = await node(smtp.url)
    await queue(server)
    for (const [at, pause] of [10, 30, 120].entries()) {
      // Counted when the pause is in the row: until then the row has the lease of the delivery.
      await until(
        () => counted(server),
        ([retried]) => retried?.[1] === String(at + 1),
      )
      const [row] = await outbox(server)
      expect(row?.attempts).toBe(at + 1)
      expect(row?.wait).toBeGreaterThan(pause - 9)
      await endPauses(server)
      server.auth.parts.mails.nudge()
    }
    await until(
      () => outbox(server),
      ({ length }) => length === 0,
    )
    expect(smtp.received).toHaveLength(1)
    expect(new Set(tried).size).toBe(1)
    expect(await counted(server)).toEqual([
      ['kind="password-changed",outcome="retried"', '3'],
      ['kind="password-changed",outcome="sent"', '1'],
    ])
    const [line] = server.lines.filter(({ level }) => level === 40)
    expect(line).toMatchObject({ kind: 'password-changed', attempts: 1, responseCode: 451, status: '4.3.0' })
    expect(JSON.stringify(server.lines)).not.toContain('ada@')
  })

  it('and refuses the recipient for good gets the mail once, and the log names neither address nor answer', async () => {
    let tries = 0
    const smtp = await smtpServer({
      onRecipient: address => {
        tries++
        return address.startsWith('gone') ? `550 5.1.1 <${address}> is unknown here` : undefined
      },
    })
    const server = await node(smtp.url)
    await queue(server, { recipient: 'gone@example.com' })
    await until(
      () => outbox(server),
      ({ length }) => length === 0,
    )
    expect(tries).toBe(1)
    const [line] = server.lines
    expect(line).toMatchObject({
      level: 50,
      kind: 'password-changed',
      mailId: expect.any(String),
      attempts: 1,
    })
    expect(JSON.stringify(server.lines)).not.toMatch(/gone@|unknown here/)
    expect(await counted(server)).toEqual([['kind="password-changed",outcome="refused"', '1']])
  })

  it.each([
    ['as a relay that denies everybody', '550 5.7.1 relaying denied'],
    ['before anybody has signed in', '530 5.7.0 authentication required'],
    ['because its mailbox is full', '452 4.2.2 mailbox full'],
  ])('keeps the mail in the outbox, where it refuses the recipient %s', async (_, refusal) => {
    let tries = 0
    const smtp = await smtpServer({
      onRecipient: () => {
        tries++
        return refusal
      },
    })
    const server = await node(smtp.url)
    await queue(server)
    await until(() => tries > 0 && server.lines.length > 0)
    const [row] = await until(
      () => outbox(server),
      ([first]) => (first?.wait ?? 999) <= 10,
    )
    expect(row?.attempts).toBe(1)
  })

  it('for 3 days gets no more of the mail, whose loss is an error in the log', async () => {
    const smtp = await smtpServer({ onMail: () => '451 4.3.0 try later' })
    const server = await node(smtp.url)
    const id = randomUUID()
    await server.rows(sql`insert into annul.outbox (id, kind, recipient, created_at, attempts)
      values (${id}, 'password-changed', 'ada@example.com', now() - interval '3 days 1 minute', 20)`)
    server.auth.parts.mails.nudge()
    await until(
      () => outbox(server),
      ({ length }) => length === 0,
    )
    expect(server.lines).toMatchObject([{ level: 50, mailId: id, kind: 'password-changed' }])
    expect(JSON.stringify(server.lines)).not.toContain('ada@')
    expect(await counted(server)).toEqual([['kind="password-changed",outcome="expired"', '1']])
  })

  it('and is down gets the mail when it is up again', async () => {
    const before = await startSmtp()
    await before.close()
    const server = await node(before.url)
    await queue(server)
    await until(() => server.lines.length > 0)
    expect(server.lines[0]).toMatchObject({
      level: 40,
      code: 'ESOCKET',
      cause: expect.stringContaining('ECONNREFUSED'),
    })
    const smtp = await smtpServer({ port: before.port })
    await until(
      async () => (await outbox(server))[0]?.wait ?? 999,
      wait => wait <= 10,
    )
    await endPauses(server)
    server.auth.parts.mails.nudge()
    await until(
      () => smtp.received,
      ({ length }) => length === 1,
    )
  })

  onlyPostgres(
    'and takes its time holds no transaction, no connection of the database and no other mail',
    async () => {
      let letGo = () => {}
      const held = new Promise<void>(resolve => {
        letGo = resolve
      })
      const smtp = await smtpServer({
        onMail: async ({ to }) => {
          if (to.startsWith('slow')) await held
          return undefined
        },
      })
      const server = await node(smtp.url)
      await queue(server, { recipient: 'slow@example.com' })
      await until(
        () => outbox(server),
        ([row]) => row?.attempts === 1,
      )
      await queue(server, { recipient: 'quick@example.com' })
      await until(
        () => smtp.received,
        ({ length }) => length === 1,
      )
      expect(smtp.received.map(({ to }) => to)).toEqual(['quick@example.com'])
      const open = await server.rows(sql`select state from pg_stat_activity
      where datname = current_database() and state like 'idle in transaction%'`)
      expect(open).toEqual([])
      letGo()
      await until(
        () => outbox(server),
        ({ length }) => length === 0,
      )
    },
  )

  it('is left by a node that closes, and the mail stays in the outbox', async () => {
    let arrived = false
    const smtp = await smtpServer({
      onMail: () => {
        arrived = true
        return new Promise(() => {})
      },
    })
    const server = await node(smtp.url)
    await queue(server)
    await until(() => arrived)
    const startedAt = performance.now()
    await server.close()
    expect(performance.now() - startedAt).toBeLessThan(20_000)
    const next = await node('smtp://127.0.0.1:1', { database: server.database, env: server.env })
    expect(await outbox(next)).toHaveLength(1)
  })
})

describe('the way to the server', () => {
  it('is not taken where the certificate is not trusted, by smtps nor by STARTTLS', async () => {
    for (const options of [{ secure: true }, { secure: false, hideSTARTTLS: false }]) {
      const smtp = await smtpServer(options)
      const server = await node(smtp.url)
      await queue(server)
      await until(() => server.lines.length > 0)
      expect(server.lines[0]).toMatchObject({
        level: 40,
        cause: expect.stringContaining('self-signed certificate'),
      })
      expect(smtp.received).toEqual([])
    }
  })

  it('is not taken unencrypted with a password, except on this machine: the offer of STARTTLS may be hidden', async () => {
    const seen: unknown[] = []
    const smtp = await smtpServer({
      onAuth: (auth, _session, callback) => {
        seen.push(auth)
        callback(null, { user: 'user' })
      },
    })
    // By this address the server is found, and the address is none of the loopback's.
    const server = await node(`smtp://user:password-xyz@0.0.0.0:${smtp.port}`)
    await queue(server)
    await until(() => server.lines.length > 0)
    expect(server.lines[0]).toMatchObject({ level: 40, code: 'ETLS' })
    expect(seen).toEqual([])
    expect(smtp.received).toEqual([])
  })

  it('is signed in to by user name and password, which no log line holds', async () => {
    const seen: unknown[] = []
    const smtp = await smtpServer({
      onAuth: ({ username, password }, _session, callback) => {
        seen.push([username, password])
        if (seen.length === 1)
          callback(Object.assign(new Error(`${username} ${password} is wrong`), { responseCode: 535 }))
        else callback(null, { user: username })
      },
    })
    const url = `smtp://us%40er:pass%2Fword-xyz@127.0.0.1:${smtp.port}`
    const server = await node(url)
    await queue(server)
    await until(() => server.lines.length > 0)
    // A wrong password is a mistake of a setting, and no mail is lost by it.
    const [line] = server.lines
    expect(line).toMatchObject({ level: 40, code: 'EAUTH', responseCode: 535 })
    await until(
      async () => (await outbox(server))[0]?.wait ?? 999,
      wait => wait <= 10,
    )
    await endPauses(server)
    server.auth.parts.mails.nudge()
    await until(
      () => smtp.received,
      ({ length }) => length === 1,
    )
    expect(seen).toEqual(Array(2).fill(['us@er', 'pass/word-xyz']))
    expect(JSON.stringify(server.lines)).not.toMatch(/xyz|us@er|us%40er/)
  })
})

onlyPostgres('three nodes at once send each mail once', async () => {
  const smtp = await smtpServer({ onMail: () => delay(20).then(() => undefined) })
  const first = await node(smtp.url)
  const same = { database: first.database, env: first.env }
  const nodes = [first, await node(smtp.url, same), await node(smtp.url, same)]
  const recipients = Array.from({ length: 60 }, (_, at) => `user-${at}@example.com`)
  await Promise.all(recipients.map((recipient, at) => queue(nodes[at % 3] as TestServer, { recipient })))
  for (const each of nodes) each.auth.parts.mails.nudge()
  await until(
    () => outbox(first),
    ({ length }) => length === 0,
  )
  expect(smtp.received.map(({ to }) => to).sort()).toEqual([...recipients].sort())
})
