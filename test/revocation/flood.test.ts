import { randomUUID } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { onPostgres } from '../support/database.ts'
import { makeAdmin, useSecondNode, useServer } from '../support/server.ts'
import { until } from '../support/until.ts'

/*
 * Writes of the dead: an admin B has hundreds of mutations waiting for connections when another admin demotes or blocks
 * B. After the answer none of them commits. The rows are asked, not the answers.
 */

const first = useServer()
const second = useSecondNode(first)
let password: string

const mutations = onPostgres ? 250 : 60
/** Each hashes a password, which takes longer than all the rest. */
const hashes = 30

interface Admin {
  readonly userId: string
  readonly token: string
}

interface Flood {
  /** One operation after the other, each with the token that sends it. */
  readonly operations: readonly { readonly query: string; readonly token: string }[]
}

/** The verbs that act for a viewer: what a flood of each is made of. */
const verbs: Record<string, (b: Admin) => Promise<Flood>> = {
  blockUser: b => onUsers(b, id => `blockUser(id: "${id}") { id }`),
  unblockUser: b => onUsers(b, id => `unblockUser(id: "${id}") { id }`, 'BLOCKED'),
  'setUserAccess of others': b => onUsers(b, id => `setUserAccess(id: "${id}", roles: ["admin"]) { id }`),
  revokeUserSessions: b => onUsers(b, id => `revokeUserSessions(id: "${id}") { id }`),
  deleteUser: b => onUsers(b, id => `deleteUser(id: "${id}")`),
  revokeSession: async b => {
    const sessions = await openSessions(b.userId, mutations)
    return flood(
      b,
      sessions.map(({ id }) => `revokeSession(id: "${id}")`),
    )
  },
  logout: async b => {
    const sessions = await openSessions(b.userId, mutations, ['admin'])
    return { operations: sessions.map(({ token }) => ({ query: 'mutation { logout }', token })) }
  },
  reauthenticate: async b =>
    flood(
      b,
      Array.from({ length: hashes }, () => `reauthenticate(password: "${password}") { expiresIn }`),
    ),
  'reauthenticate with a wrong password': async b =>
    flood(
      b,
      Array.from({ length: hashes }, () => 'reauthenticate(password: "wrong") { expiresIn }'),
    ),
  'changePassword with a wrong password': async b => {
    const input = '{ currentPassword: "wrong", newPassword: "a new password of the flood" }'
    return flood(
      b,
      Array.from({ length: hashes }, () => `changePassword(input: ${input}) { expiresIn }`),
    )
  },
}

const kills: Record<string, (id: string) => string> = {
  demoted: id => `mutation { setUserAccess(id: "${id}", roles: []) { id } }`,
  blocked: id => `mutation { blockUser(id: "${id}") { id } }`,
}

describe.each(Object.keys(kills))('an admin who is %s', kill => {
  const nodes = onPostgres ? ['the same node', 'another node'] : ['the same node']
  it.each(Object.keys(verbs).flatMap(verb => nodes.map(node => [verb, node] as const)))(
    'has no %s committed on %s after the answer',
    async (verb, node) => {
      const a = await openAdmin()
      const b = await openAdmin()
      const { operations } = (await verbs[verb]?.(b)) ?? { operations: [] }
      const flooded = node === 'another node' ? second : first
      const before = await rowsOf(b)

      const send = ({ query, token }: Flood['operations'][number]) => flooded.send(query, { token })
      // The kill comes when some of them are done. On the same node it waits for its turn, and the rest come behind it.
      const ahead = Math.floor(operations.length / (flooded === first ? 6 : 2))
      const answers = operations.slice(0, ahead).map(send)
      await until(async () => (await rowsOf(b)) !== before)
      const killing = first.send(kills[kill]?.(b.userId) ?? '', { token: a.token })
      answers.push(...operations.slice(ahead).map(send))

      expect(await killing).toMatchObject({ status: 200, errors: undefined })
      const atAnswer = await rowsOf(b)
      const codes = (await Promise.all(answers)).map(({ code }) => code)
      expect(await rowsOf(b)).toBe(atAnswer)
      // The flood was one: some of it was done before, and some was refused.
      expect(atAnswer).not.toBe(before)
      expect(codes).toContain('UNAUTHENTICATED')
    },
  )
})

/** Everything that B has done or that was done to B's targets, as one text. */
async function rowsOf(b: Admin): Promise<string> {
  const [row] = await first.rows<{ all: string }>(sql`
    select concat_ws(' ',
      (select count(*) from annul.audit_events where actor_id = ${b.userId}),
      (select count(*) from annul.users where scopes = array['flood'] and status = 'BLOCKED'),
      (select count(*) from annul.users where scopes = array['flood'] and 'admin' = any (roles)),
      (select sum(token_version) from annul.users where scopes = array['flood']),
      (select count(*) from annul.sessions where user_id = ${b.userId} and ended_at is not null)) as all`)
  return row?.all ?? ''
}

/** An admin in a session of a moment ago; the versions are those of the row. */
async function openAdmin(): Promise<Admin> {
  const account = await first.signUp()
  password = account.password
  await makeAdmin(first, account.email)
  const [session] = await openSessions(account.userId, 1, ['admin'])
  if (session === undefined) throw new Error('No session was opened.')
  return { userId: account.userId, token: session.token }
}

function flood({ token }: Admin, fields: readonly string[]): Flood {
  return { operations: fields.map(field => ({ query: `mutation { ${field} }`, token })) }
}

/** One mutation for each of many users, who are marked by a scope. */
async function onUsers(b: Admin, field: (id: string) => string, status = 'ACTIVE'): Promise<Flood> {
  await first.rows(sql`update annul.users set scopes = '{}' where scopes = array['flood']`)
  const ids = Array.from({ length: mutations }, () => randomUUID())
  await first.rows(sql`
    insert into annul.users (id, email, email_key, scopes, status)
    select id, id || '@example.com', id || '@example.com', '{flood}', ${status}
    from unnest(${`{${ids.join()}}`}::text::uuid[]) as made (id)`)
  return flood(b, ids.map(field))
}

/** Sessions of a user, made by SQL, with their access tokens. */
async function openSessions(userId: string, count: number, roles: string[] = []) {
  const { accessTokens, clock } = first.auth.parts
  const ids = Array.from({ length: count }, () => randomUUID())
  const [versions] = await first.rows<{ ver: number; epoch: number }>(sql`
    select token_version as ver, epoch::float8 as epoch from annul.users, annul.epochs where users.id = ${userId}`)
  if (versions === undefined) throw new Error('There is no such user.')
  await first.rows(sql`
    insert into annul.sessions (id, user_id, session_version, epoch, idle_expires_at, expires_at, auth_time)
    select made.id, ${userId}, u.session_version, e.epoch, now() + interval '1 day', now() + interval '1 day', now()
    from annul.users u, annul.epochs e, unnest(${`{${ids.join()}}`}::text::uuid[]) as made (id) where u.id = ${userId}`)
  const iat = Math.floor(clock.now())
  const grant = { sub: userId, ...versions, roles, scope: '', auth_time: iat, iat, exp: iat + 600 }
  return ids.map(id => ({ id, token: accessTokens.sign({ ...grant, sid: id }) }))
}
