import { beforeAll, describe, expect, it, jest } from '@jest/globals'
import { hash } from '@node-rs/argon2'
import { sql } from 'drizzle-orm'
import { noBytes, type Task } from '../../src/command/task.ts'
import { tasks } from '../../src/command/tasks.ts'
import { readContract } from '../../src/graphql/contract.ts'
import { must } from '../support/answers.ts'
import { auditedMutations } from '../support/auditedMutations.ts'
import { deviceOf } from '../support/devices.ts'
import { useServer } from '../support/server.ts'

// The machine may have other things to do.
jest.setTimeout(120_000)

const server = useServer()

/** What using a session moves: an event for each refresh would bury the others. */
const moved = 'generation,attempts,rotated_at,last_used_at,idle_expires_at,renewed_at'

/*
 * A database that refuses every commit which makes or changes an account or a session without an event of its own
 * transaction. It is switched on for what is tested, not for what a test prepares.
 */
beforeAll(async () => {
  await server.rows(
    sql.raw(`
    create function annul.must_be_audited() returns trigger language plpgsql as $$ begin
      if tg_table_name = 'sessions' and tg_op = 'UPDATE'
        and to_jsonb(new) - '{${moved}}'::text[] = to_jsonb(old) - '{${moved}}'::text[] then return null; end if;
      if not exists (select from annul.audit_events where xid = pg_current_xact_id()) then
        raise exception 'a change without an event'; end if;
      return null;
    end $$`),
  )
  for (const table of ['users', 'sessions', 'epochs'])
    await server.rows(
      sql.raw(`create constraint trigger audited after insert or update on annul.${table}
      deferrable initially deferred for each row execute function annul.must_be_audited()`),
    )
  await switchTo('disable')
})

async function switchTo(state: 'enable' | 'disable'): Promise<void> {
  for (const table of ['users', 'sessions', 'epochs'])
    await server.rows(sql.raw(`alter table annul.${table} ${state} trigger audited`))
}

async function watched<T>(work: () => Promise<T>): Promise<T> {
  await switchTo('enable')
  try {
    return await work()
  } finally {
    await switchTo('disable')
  }
}

const internal = { message: 'Something went wrong on the server.' }

describe('no account and no session changes without an event in the same transaction, by', () => {
  it.each(Object.entries(auditedMutations))('%s', async (_, prepare) => {
    const { send } = await prepare(server)
    const { errors = [] } = await watched(send)
    expect(errors).not.toContainEqual(expect.objectContaining(internal))
  })

  it('a login that makes the hash of the password anew', async () => {
    const account = await server.signUp()
    const outdated = await hash(account.password, { memoryCost: 8192, timeCost: 1, parallelism: 1 })
    await server.rows(
      sql`update annul.users set password_hash = ${outdated} where email_key = ${account.email}`,
    )
    await watched(() => server.login(account))
    const stored = await server.rows<{ hash: string }>(
      sql`select password_hash as hash from annul.users where email_key = ${account.email}`,
    )
    expect(stored).not.toEqual([{ hash: outdated }])
  })

  it('a refresh, which only moves the session on', async () => {
    const { refreshToken } = await server.signUp()
    must(await watched(() => server.refresh(refreshToken)))
  })

  const user = JSON.stringify({
    email: 'imported@example.com',
    passwordHash: '$2b$04$N9qo8uLOickgx2ZMRZoMye9COBKsOPKEJDHJoe/BuRouJin6Qswhq',
  })
  /** What each task of the command is given. null: it changes neither accounts nor sessions */
  const inputs: Record<string, ((id: string) => unknown) | null> = {
    migrate: null,
    'create-user': () => ({
      email: 'created@example.com',
      password: 'a password of the tests',
      roles: [],
      scopes: [],
    }),
    'import-users': () => ({}),
    'set-access': id => ({ account: { id }, roles: ['ops'], scopes: [] }),
    'set-password': id => ({ account: { id }, password: 'another password of the tests' }),
    'reset-factors': id => ({ id }),
    block: id => ({ id }),
    unblock: id => ({ id }),
    'rotate-keys': () => null,
    'rotate-keys --revoke': () => ({}),
    'revoke-everything': () => null,
    restored: () => null,
    purge: null,
    'audit verify': null,
    'create-service': () => ({ name: 'created', rights: ['feed'] }),
    'end-service': () => ({ name: 'created', secretId: null }),
    services: null,
  }

  it.each(tasks.map(task => [task.name, task] as const))('the command %s', async (name, task) => {
    const input = inputs[name]
    if (input === undefined) throw new Error(`Say in this test what ${name} is given.`)
    if (input === null) return
    const { userId } = deviceOf(await server.signUp())
    if (name === 'unblock')
      await server.rows(sql`update annul.users set status = 'BLOCKED' where id = ${userId}`)
    const before = await countEvents()
    const bytes = async function* () {
      yield Buffer.from(`${user}\n`)
    }
    await watched(() =>
      (task as Task<unknown>).run(
        server.auth.parts,
        input(userId),
        () => {},
        name === 'import-users' ? bytes() : noBytes(),
      ),
    )
    expect(await countEvents()).toBe(before + 1)
  })
})

async function countEvents(): Promise<number> {
  const [row] = await server.rows<{ count: number }>(
    sql`select count(*)::int as count from annul.audit_events`,
  )
  return row?.count ?? 0
}

it('Every mutation of the contract is among those whose events are tested', () => {
  const fields = readContract().flatMap(({ definitions }) =>
    definitions.flatMap(definition =>
      'fields' in definition && 'name' in definition && definition.name?.value === 'Mutation'
        ? (definition.fields ?? []).map(({ name }) => name.value)
        : [],
    ),
  )
  // The event of refresh is the one of a token that is used twice. An enrolment counts, and is told, when it is confirmed.
  const untold = ['refresh', 'enrollTotp', 'enrollPasskey', 'beginPasskey', 'beginPasskeyLogin']
  const tested = new Set(Object.keys(auditedMutations).map(name => name.split(' ')[0]))
  expect(fields.length).toBeGreaterThan(10)
  expect(fields.filter(name => !tested.has(name) && !untold.includes(name))).toEqual([])
})
