import { afterAll, afterEach, describe, expect, it } from '@jest/globals'
import { hash } from '@node-rs/argon2'
import { sql } from 'drizzle-orm'
import type { AuditEvent } from '../../src/app/auditEvent.ts'
import type { Hooks } from '../../src/app/hooks.ts'
import { createDatabase, onPostgres } from '../support/database.ts'
import { useServer } from '../support/server.ts'
import { createLoggedDatabase, type LoggedDatabase } from '../support/statements.ts'
import { claimsOf } from './refresh/support.ts'

/* A login on a device that the account knows is one statement. It must not leave half of anything. */

const onlyPostgres = onPostgres ? it : it.skip
const outdated = { memoryCost: 8192, timeCost: 1, parallelism: 1 }

let claims: () => Record<string, unknown> = () => ({})
const told: AuditEvent[] = []
let log: LoggedDatabase | undefined
const server = useServer(async () => {
  log = onPostgres ? await createLoggedDatabase() : undefined
  return {
    database: log ?? (await createDatabase()),
    app: { claims: () => claims(), onEvent: event => void told.push(event) },
  }
})
let signedIn: NonNullable<Hooks['signedIn']> = () => {}
const hooked = useServer({ app: { hooks: { signedIn: (...given) => signedIn(...given) } } })
afterAll(() => log?.close())
afterEach(() => {
  claims = () => ({})
  signedIn = () => {}
})

const query = `mutation ($input: LoginInput!) {
  login(input: $input) { accessToken session { id } } }`

/** A new account, and its login on the device that has registered it. */
async function openKnown(node: typeof server = server) {
  const input = { email: `${crypto.randomUUID()}@example.com`, password: `password ${crypto.randomUUID()}` }
  const registered = await node.send<{ register: { user: { id: string } } }>(
    'mutation ($input: RegisterInput!) { register(input: $input) { user { id } } }',
    { variables: { input } },
  )
  const userId = registered.data?.register.user.id ?? ''
  const headers = { 'annul-device': registered.headers.get('annul-device') ?? '' }
  const count = async () => {
    const [row] = await node.rows<{ sessions: number; logins: number; asked: number }>(sql`
      select (select count(*)::int from annul.sessions where user_id = ${userId}) sessions,
        (select count(*)::int from annul.audit_events where user_id = ${userId} and kind = 'login') logins,
        (select count(*)::int from annul.audit_events where user_id = ${userId} and kind = 'second-factor-asked') asked`)
    return row
  }
  type Opened = { login: { accessToken: string; session: { id: string } } }
  return { userId, input, count, login: () => node.send<Opened>(query, { variables: { input }, headers }) }
}

describe('a login on a known device', () => {
  onlyPostgres('sends one statement beside the one that reads the account and those of limits', async () => {
    const { login, count } = await openKnown()
    await login()
    await log?.statements()
    expect((await login()).errors).toBeUndefined()
    const statements = (await log?.statements()) ?? []
    const ofLogin = statements.filter(statement => !statement.includes('budgets'))
    expect(ofLogin).toEqual([
      expect.stringMatching(/^select .* from "annul"."users"/s),
      expect.stringMatching(/^with "opened" as \(insert into "annul"."sessions" .*"noted" as \(insert into/s),
    ])
    expect(await count()).toEqual({ sessions: 3, logins: 2, asked: 0 })
  })

  it('tells the app of its event, which names the new session', async () => {
    const { login, userId } = await openKnown()
    const before = told.length
    const { data } = await login()
    expect(told.slice(before)).toEqual([
      expect.objectContaining({ kind: 'login', userId, actorId: userId, sessionId: data?.login.session.id }),
    ])
    const [event] = await server.rows<{ id: string }>(
      sql`select id::text from annul.audit_events where session_id = ${data?.login.session.id} and kind = 'login'`,
    )
    expect(event?.id).toBe(told.at(-1)?.id)
  })

  it('leaves no session and no event where its tokens can’t be issued', async () => {
    const { login, count } = await openKnown()
    const before = await count()
    claims = () => {
      throw new Error('The app’s claims failed.')
    }
    expect((await login()).code).toBe('INTERNAL_SERVER_ERROR')
    claims = () => ({ long: 'x'.repeat(10_000) })
    expect((await login()).code).toBe('INTERNAL_SERVER_ERROR')
    expect(await count()).toEqual(before)
  })

  onlyPostgres('leaves no session where its event can’t be appended', async () => {
    const { login, count, userId } = await openKnown()
    const before = await count()
    await server.rows(sql`alter table annul.audit_events add constraint refused
      check (kind <> 'login' or user_id <> ${sql.raw(`'${userId}'`)}) not valid`)
    try {
      expect((await login()).code).toBe('INTERNAL_SERVER_ERROR')
    } finally {
      await server.rows(sql`alter table annul.audit_events drop constraint refused`)
    }
    expect(await count()).toEqual(before)
    expect((await login()).errors).toBeUndefined()
  })

  it('is undone when the app’s hook fails', async () => {
    const { login, count } = await openKnown(hooked)
    const before = await count()
    signedIn = () => {
      throw new Error('The app’s hook failed.')
    }
    expect((await login()).code).toBe('INTERNAL_SERVER_ERROR')
    expect(await count()).toEqual(before)
  })

  it('stores the new hash of a password together with the session', async () => {
    const { login, input, userId } = await openKnown()
    await server.rows(sql`update annul.users set password_hash = ${await hash(input.password, outdated)}
      where id = ${userId}`)
    expect((await login()).errors).toBeUndefined()
    const [row] = await server.rows<{ hash: string }>(
      sql`select password_hash as hash from annul.users where id = ${userId}`,
    )
    expect(row?.hash).toMatch(/^\$argon2id\$v=19\$m=19456,/)
    expect((await login()).errors).toBeUndefined()
  })

  it('asks for the factor of an account that has one, and opens no session', async () => {
    const { login, count, userId } = await openKnown()
    await server.rows(sql`insert into annul.factors (id, user_id, kind, name, secret, confirmed_at)
      values (gen_random_uuid(), ${userId}, 'TOTP', 'app', '\\x00', now())`)
    expect((await login()).code).toBe('SECOND_FACTOR_REQUIRED')
    expect(await count()).toEqual({ sessions: 1, logins: 0, asked: 1 })
  })

  it('has the times of its session and of its token as every login has them', async () => {
    const { data } = await (await openKnown()).login()
    const [row] = await server.rows<{ idle: number; most: number; authTime: number }>(sql`
      select extract(epoch from idle_expires_at - created_at)::int as idle,
        extract(epoch from expires_at - created_at)::int as most,
        floor(extract(epoch from auth_time))::int as "authTime"
      from annul.sessions where id = ${data?.login.session.id}`)
    const { iat, auth_time } = claimsOf(data?.login.accessToken ?? '')
    expect(row).toEqual({ idle: 2_592_000, most: 15_552_000, authTime: auth_time })
    expect(iat).toBe(auth_time)
  })
})
