import { randomUUID } from 'node:crypto'
import { type SQL, sql } from 'drizzle-orm'
import { transact } from '../../src/database/transact.ts'
import type { Tokens } from '../../src/sessions/issueTokens.ts'
import { openSession } from '../../src/sessions/openSession.ts'
import { readCredentials } from '../../src/sessions/readCredentials.ts'
import type { DeviceVisitor, SessionViewer } from '../../src/viewer.ts'
import { emptied, mailFiles } from '../support/mails.ts'
import { noDevice } from '../support/noDevice.ts'
import type { TestServer } from '../support/server.ts'

/* Users and sessions for tests that call verbs directly: no request is sent, and no password is hashed. */

export interface Person {
  readonly userId: string
  readonly email: string
  /** Opens one more session. */
  signIn(options?: { cookie?: boolean }): Promise<SignedIn>
}

export interface SignedIn {
  readonly sessionId: string
  readonly tokens: Tokens
  /** As a request with the access token has it. */
  readonly viewer: SessionViewer & DeviceVisitor
}

/** A visitor, and how long it was told that it had waited. */
export function visitorOf(more: Partial<DeviceVisitor> = {}): DeviceVisitor & { readonly waited: number[] } {
  const waited: number[] = []
  return {
    ipAddress: '203.0.113.7',
    userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
    binding: undefined,
    newBinding: undefined,
    revoked: ms => void waited.push(ms),
    device: noDevice,
    waited,
    ...more,
  }
}

/** A new user, made by SQL. */
export async function makePerson(
  { auth: { parts }, rows }: Pick<TestServer, 'auth' | 'rows'>,
  {
    passwordHash = null,
    visitor = visitorOf(),
  }: { passwordHash?: string | null; visitor?: DeviceVisitor } = {},
): Promise<Person> {
  const userId = randomUUID()
  const email = `${userId}@example.com`
  await rows(sql`insert into annul.users (id, email, email_key, password_hash)
    values (${userId}, ${email}, ${email}, ${passwordHash})`)
  return {
    userId,
    email,
    async signIn({ cookie = false } = {}) {
      const found = await readCredentials(parts.db, { id: userId })
      if (found === undefined) throw new Error('There is no such user.')
      // The event names no user: a user's events are those that a test causes.
      const event = { kind: 'login' } as const
      const tokens = await transact(parts, tx => openSession(parts, tx, visitor, found, { cookie, event }))
      const claims = parts.accessTokens.verify(tokens.accessToken)
      if (typeof claims === 'string') throw new Error(claims)
      const { sub, sid, roles } = claims
      return {
        sessionId: sid,
        tokens,
        viewer: { ...visitor, userId: sub, sessionId: sid, roles, scopes: [], claims },
      }
    },
  }
}

interface Row {
  readonly [column: string]: unknown
}

export async function sessionRow({ rows }: Pick<TestServer, 'rows'>, sessionId: string): Promise<Row> {
  const [row] = await rows<Row>(sql`select *,
    array_to_json(array(select a is not null from unnest(attempts) a)) as attempted,
    extract(epoch from idle_expires_at - now())::float8 as idle_seconds,
    extract(epoch from expires_at - now())::float8 as seconds,
    extract(epoch from rotated_at)::float8 as rotated, extract(epoch from now())::float8 as time
    from annul.sessions where id = ${sessionId}`)
  if (row === undefined) throw new Error('There is no such session.')
  return row
}

export function setSession(
  { rows }: Pick<TestServer, 'rows'>,
  sessionId: string,
  change: SQL,
): Promise<unknown> {
  return rows(sql`update annul.sessions set ${change} where id = ${sessionId}`)
}

export function setUser({ rows }: Pick<TestServer, 'rows'>, userId: string, change: SQL): Promise<unknown> {
  return rows(sql`update annul.users set ${change} where id = ${userId}`)
}

/** The audit events about a user, in order. */
export function eventsOf({ rows }: Pick<TestServer, 'rows'>, userId: string): Promise<Row[]> {
  return rows<Row>(sql`select kind, actor_id as actor, session_id as session, host(ip_address) as address, device, detail
    from annul.audit_events where user_id = ${userId} order by id`)
}

/** The kinds of the mails that a user was sent, in order. */
export async function mailsOf(server: TestServer, email: string): Promise<string[]> {
  await emptied(server)
  return (await mailFiles(server, email)).map(({ kind }) => kind)
}
