import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { firefoxName, must } from '../support/answers.ts'
import { type AuditRow, auditedMutations, inAnswer } from '../support/auditedMutations.ts'
import type { Answer } from '../support/client.ts'
import { deviceOf, openAdmin } from '../support/devices.ts'
import { useServer } from '../support/server.ts'

const server = useServer()
beforeAll(async () => {
  await server.rows(sql`create function annul.refuse() returns trigger language plpgsql as
    $$ begin raise exception 'the database refuses a secret'; end $$`)
})

/** The tables that a mutation may change beside the audit. */
const changed = ['users', 'sessions', 'epochs', 'revocations', 'one_time_tokens', 'factors', 'outbox']

const lastId = async () => {
  const [row] = await server.rows<{ id: number }>(
    sql`select coalesce(max(id), 0)::int as id from annul.audit_events`,
  )
  return row?.id ?? 0
}
const rowsSince = (id: number) =>
  server.rows<AuditRow>(sql`
    select kind, actor_id, user_id, session_id, host(ip_address) as address, device, detail
    from annul.audit_events where id > ${id} order by id`)

/** The whole row that a mutation must leave. */
function wholeRow(row: AuditRow, answer: Answer<unknown>): unknown {
  const nothing = { actor_id: null, user_id: null, session_id: null, detail: null }
  const whole = { ...nothing, ...row, address: '127.0.0.1', device: firefoxName }
  if (row.session_id !== inAnswer) {
    // recoverAccount gives the user another id.
    const [user] = Object.values((answer.data ?? {}) as Record<string, { id?: string }>)
    return row.user_id === inAnswer ? { ...whole, user_id: user?.id } : whole
  }
  const [tokens] = Object.values(
    answer.data as Record<string, { session: { id: string }; user: { id: string } }>,
  )
  return { ...whole, actor_id: tokens?.user.id, user_id: tokens?.user.id, session_id: tokens?.session.id }
}

describe('The audit has one row of', () => {
  it.each(Object.entries(auditedMutations))('%s', async (_, prepare) => {
    const { send, row } = await prepare(server)
    const before = await lastId()
    const answer = await send()
    expect(await rowsSince(before)).toEqual([wholeRow(row, answer)])
  })
})

/* A commit that fails undoes its own transaction only: anything written outside that transaction would stay. */
describe('A mutation and its row are committed together or not at all:', () => {
  it.each(Object.entries(auditedMutations))('%s', async (_, prepare) => {
    const { send, row, onlyAudited } = await prepare(server)
    const before = await everything()
    await refusing(['audit_events'], send)
    expect(await everything()).toEqual(before)
    if (!onlyAudited) {
      await refusing(changed, send)
      expect(await everything()).toEqual(before)
    }

    // The failures changed nothing: now the same tokens succeed.
    const last = await lastId()
    const answer = await send()
    expect(await rowsSince(last)).toEqual([wholeRow(row, answer)])
  })

  /** Sends the mutation while the database refuses every commit that wrote to one of the tables. */
  async function refusing(tables: readonly string[], send: () => Promise<Answer<unknown>>): Promise<void> {
    for (const table of tables)
      await server.rows(sql`create constraint trigger refuse after insert or update on ${sql.raw(`annul.${table}`)}
        deferrable initially deferred for each row execute function annul.refuse()`)
    const answer = await send()
    for (const table of tables) await server.rows(sql`drop trigger refuse on ${sql.raw(`annul.${table}`)}`)
    expect(answer.errors).toEqual([
      expect.objectContaining({
        message: 'Something went wrong on the server.',
        extensions: { code: 'INTERNAL_SERVER_ERROR', id: expect.any(String) },
      }),
    ])
  }

  async function everything(): Promise<unknown> {
    const tables = [...changed.filter(table => table !== 'outbox'), 'audit_events']
    // A mail leaves the outbox when it is sent.
    const all = [...tables.map(table => `annul.${table}`), 'tests.queued_mails'].map(
      (table, at) => `(select jsonb_agg(t order by t.id) from ${table} t) as t${at}`,
    )
    return (await server.rows(sql.raw(`select ${all.join()}`)))[0]
  }
})

describe('The audit has no row of', () => {
  it('what was refused, or found nothing to do', async () => {
    const account = await server.signUp()
    const [device, admin] = [deviceOf(account), await openAdmin(server)]
    const blocked = await server.signUp()
    const by = ({ accessToken: token }: { accessToken: string }, field: string) =>
      server.send(`mutation { ${field} }`, { token })
    must(await by(admin, `blockUser(id: "${blocked.userId}") { id }`))

    const before = await lastId()
    const answers = [
      await by(device, `revokeSession(id: "${randomUUID()}")`),
      await by(device, `blockUser(id: "${admin.userId}") { id }`),
      await by(device, 'revokeEverything'),
      await by(device, `changePassword(input: { currentPassword: "x", newPassword: "short" }) { expiresIn }`),
      await by(admin, `blockUser(id: "${blocked.userId}") { id }`),
      await by(admin, `unblockUser(id: "${device.userId}") { id }`),
      await by(admin, `deleteUser(id: "${randomUUID()}")`),
      await by(blocked, 'revokeSessions'),
      await server.send(`mutation { logout(refreshToken: "${blocked.refreshToken}") }`),
      await server.send('mutation { login(input: { email: "no e-mail", password: "x" }) { expiresIn } }'),
      await server.refresh(blocked.refreshToken),
      await server.refresh(device.refreshToken),
    ]
    expect(answers.map(({ code }) => code ?? 'works')).toEqual([
      ...['works', 'FORBIDDEN', 'FORBIDDEN', 'BAD_USER_INPUT', 'works', 'works', 'NOT_FOUND'],
      ...['UNAUTHENTICATED', 'works', 'BAD_USER_INPUT', 'INVALID_REFRESH_TOKEN', 'works'],
    ])
    expect(await rowsSince(before)).toEqual([])
  })
})

it('The audit holds no e-mail, password or token', async () => {
  const account = await server.signUp()
  const { email, password, accessToken: token } = account
  await expect(server.login({ email: password, password: email })).rejects.toThrow('BAD_USER_INPUT')
  await expect(
    server.login({ email: `${password.replaceAll(' ', '')}@x.org`, password: email }),
  ).rejects.toThrow('INVALID_CREDENTIALS')
  must(await server.send(`mutation { logout(refreshToken: "${account.refreshToken}") }`, { token }))
  const all = JSON.stringify(await server.rows(sql`select * from annul.audit_events`))
  for (const secret of [email, password, password.replaceAll(' ', ''), token, account.refreshToken])
    expect(all).not.toContain(secret)
})
