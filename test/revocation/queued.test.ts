import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'drizzle-orm'
import postgres from 'postgres'
import { must } from '../support/answers.ts'
import type { Account, Answer } from '../support/client.ts'
import { onPostgres } from '../support/database.ts'
import { type Device, deviceOf } from '../support/devices.ts'
import { beginTotp, codeOf, enrollTotp, wrongCode } from '../support/factors.ts'
import { makeAdmin, useSecondNode, useServer } from '../support/server.ts'
import { until } from '../support/until.ts'

/*
 * One mutation of an admin waits for a connection on one node, because all connections of the node are taken. Another
 * admin ends the rights of the first one on the other node. When a connection is free at last, the mutation must do
 * nothing. Unlike a flood (flood.test.ts), this reaches verbs that end the sender's own token.
 */

const describePostgres = onPostgres ? describe : describe.skip
/** Of the pool that verbs use (database/open.ts). */
const connections = 10

interface Waiting {
  readonly b: Account & Device
  /** Somebody to be changed. */
  readonly target: Device
}

/** Every verb that acts for a viewer. */
const verbs: Record<string, (waiting: Waiting) => string> = {
  logout: () => 'logout',
  revokeSession: ({ b }) => `revokeSession(id: "${b.sessionId}")`,
  revokeSessions: () => 'revokeSessions',
  revokeOtherSessions: () => 'revokeOtherSessions { expiresIn }',
  reauthenticate: ({ b }) => `reauthenticate(password: "${b.password}") { expiresIn }`,
  'reauthenticate with a wrong password': () => 'reauthenticate(password: "wrong") { expiresIn }',
  changePassword: ({ b }) =>
    `changePassword(input: { currentPassword: "${b.password}", newPassword: "a new password of B" }) { expiresIn }`,
  'changePassword with a wrong password': () =>
    'changePassword(input: { currentPassword: "wrong", newPassword: "a new password of B" }) { expiresIn }',
  blockUser: ({ target }) => `blockUser(id: "${target.userId}") { id }`,
  unblockUser: ({ target }) => `unblockUser(id: "${target.userId}") { id }`,
  setUserAccess: ({ target }) => `setUserAccess(id: "${target.userId}", roles: ["admin"]) { id }`,
  'setUserAccess of oneself': ({ b }) => `setUserAccess(id: "${b.userId}", roles: ["admin", "owner"]) { id }`,
  revokeUserSessions: ({ target }) => `revokeUserSessions(id: "${target.userId}") { id }`,
  requestEmailVerification: () => 'requestEmailVerification',
  changeEmail: () => 'changeEmail(input: { email: "b@elsewhere.example" }) { id }',
  deleteAccount: () => 'deleteAccount',
  recoverAccount: ({ target }) => `recoverAccount(id: "${target.userId}") { id }`,
  resetFactors: ({ target }) => `resetFactors(id: "${target.userId}") { id }`,
  delayFactorReset: () => 'delayFactorReset(delay: true) { delay }',
  deleteUser: ({ target }) => `deleteUser(id: "${target.userId}")`,
  revokeEverything: () => 'revokeEverything',
}

interface App {
  readonly factorId: string
  readonly secret: string
}

/** Every verb of factors, for a sender who has an authenticator app and has given a proof by it. */
const factorVerbs: Record<string, (app: App) => string> = {
  enrollTotp: () => 'enrollTotp { id }',
  renameFactor: ({ factorId }) => `renameFactor(id: "${factorId}", name: "another name") { id }`,
  removeFactor: ({ factorId }) => `removeFactor(id: "${factorId}")`,
  makeRecoveryCodes: () => 'makeRecoveryCodes',
  reauthenticateWith: ({ secret }) =>
    `reauthenticateWith(input: { totp: "${codeOf(secret)}" }) { expiresIn }`,
  'reauthenticateWith with a wrong code': ({ secret }) =>
    `reauthenticateWith(input: { totp: "${wrongCode(secret)}" }) { expiresIn }`,
}

interface Kill {
  readonly field: (b: Device) => string
  /** Whether B's own token sends it; otherwise the other admin's. */
  readonly own?: boolean
  readonly reason: string
}

const kills: Record<string, Kill> = {
  demoted: { field: b => `setUserAccess(id: "${b.userId}", roles: []) { id }`, reason: 'ACCESS_CHANGED' },
  blocked: { field: b => `blockUser(id: "${b.userId}") { id }`, reason: 'USER_BLOCKED' },
  'logged out': { field: () => 'logout', own: true, reason: 'LOGGED_OUT' },
}
/** Which only verbs of factors are tested with, for the time that each test takes. */
const ownKill = 'logged out'

describePostgres('a mutation that waits for a connection while its sender is (ASVS 5.0 8.3.2)', () => {
  const first = useServer()
  const second = useSecondNode(first)
  let client: postgres.Sql
  let a: Device
  beforeAll(async () => {
    client = postgres(first.env.DATABASE_URL ?? '', { max: 2, onnotice: () => {} })
    a = await openAdmin()
  })
  afterAll(() => client.end())

  describe.each(Object.entries(kills))('%s', (name, kill) => {
    it.each([...Object.keys(factorVerbs), 'confirmTotp'])('does nothing: %s', async verb => {
      const waiting = await openWaiting(false)
      const { field, token } = await factorVerbOf(waiting.b, verb)
      const { answer, rows } = await whileWaiting(waiting, kill, () =>
        second.send(`mutation { ${field} }`, { token }),
      )
      expect({ code: answer.code, reason: answer.reason }).toEqual({
        code: 'UNAUTHENTICATED',
        reason: kill.reason,
      })
      expect(rows.after).toEqual(rows.before)
    })
    if (name === ownKill) return

    it.each(Object.keys(verbs))('does nothing: %s', async verb => {
      const waiting = await openWaiting(verb === 'unblockUser')
      const query = `mutation { ${verbs[verb]?.(waiting)} }`
      const { answer, rows } = await whileWaiting(waiting, kill, () =>
        second.send(query, { token: waiting.b.accessToken }),
      )
      expect({ code: answer.code, reason: answer.reason }).toEqual({
        code: 'UNAUTHENTICATED',
        reason: kill.reason,
      })
      expect(rows.after).toEqual(rows.before)
    })

    it('does nothing: the renewal of its access token', async () => {
      const waiting = await openWaiting(false)
      const { b } = waiting
      const renewal = await renewalOf(b)
      const { answer, rows } = await whileWaiting(waiting, kill, () => second.send('{ me { id } }', renewal))
      // The request itself was decided before.
      expect(answer.data).toEqual({ me: { id: b.userId } })
      expect(rows.after).toEqual(rows.before)
    })
  })

  it('would have been done otherwise: the renewal', async () => {
    const { b } = await openWaiting(false)
    await second.send('{ me { id } }', await renewalOf(b))
    const renewed = await first.rows(
      sql`select 1 from annul.sessions where id = ${b.sessionId} and renewed_at is not null`,
    )
    expect(renewed).toHaveLength(1)
  })

  async function openAdmin(): Promise<Account & Device> {
    const account = await first.signUp()
    await makeAdmin(first, account.email)
    await first.rows(sql`update annul.sessions set amr = '{pwd,otp,mfa}' where id = ${account.session.id}`)
    return { ...account, ...deviceOf(must(await first.refresh(account.refreshToken)).refresh) }
  }

  async function openWaiting(isBlocked: boolean): Promise<Waiting> {
    const b = await openAdmin()
    const target = deviceOf(await first.signUp())
    if (isBlocked)
      await first.rows(sql`update annul.users set status = 'BLOCKED' where id = ${target.userId}`)
    return { b, target }
  }

  /** The field of a verb of factors, and a token of B that may send it. */
  async function factorVerbOf(b: Device, verb: string): Promise<{ field: string; token: string }> {
    if (verb === 'confirmTotp') {
      const app = await beginTotp(first, b.accessToken)
      const field = `confirmTotp(id: "${app.id}", code: "${codeOf(app.secret)}") { recoveryCodes }`
      return { field, token: b.accessToken }
    }
    const app = await enrollTotp(first, b.accessToken)
    await first.rows(sql`update annul.sessions set factor_time = auth_time where id = ${b.sessionId}`)
    const { accessTokens } = first.auth.parts
    const claims = accessTokens.verify(b.accessToken)
    if (typeof claims === 'string') throw new Error(claims)
    const token = accessTokens.sign({ ...claims, amr: ['pwd', 'otp', 'mfa'] })
    return { field: factorVerbs[verb]?.(app) ?? '', token }
  }

  /** What a client sends for a renewal: an access token in the last third of its life, and the proof. */
  async function renewalOf({ accessToken, refreshToken, sessionId }: Device) {
    const { accessTokens, clock } = first.auth.parts
    const claims = accessTokens.verify(accessToken)
    if (typeof claims === 'string') throw new Error(claims)
    await first.rows(
      sql`update annul.sessions set rotated_at = now() - interval '1 minute' where id = ${sessionId}`,
    )
    const now = Math.floor(clock.now())
    const token = accessTokens.sign({ ...claims, iat: now - 25, exp: now + 10 })
    const proof = createHmac('sha256', refreshToken).update(`annul-renew${claims.jti}`).digest('base64url')
    return { token, headers: { 'annul-renew': proof } }
  }

  /** Sends when no connection of the second node is free, kills on the first node, then frees the connections. */
  async function whileWaiting<T extends Answer<unknown>>(
    { b, target }: Waiting,
    kill: Kill,
    send: () => Promise<T>,
  ) {
    const locked = await first.signUp()
    const c = await openAdmin()
    const lock = await client.reserve()
    await lock`begin`
    await lock`select 1 from annul.users where id = ${locked.userId} for update`
    const holders = Array.from({ length: connections }, () =>
      second.send(`mutation { revokeUserSessions(id: "${locked.userId}") { id } }`, { token: c.accessToken }),
    )
    await until(async () => (await waitingForTheLock()) === connections)
    // A verb that reads before its transaction waits with that.
    const sent = send()
    await new Promise(resolve => setTimeout(resolve, 100))
    const token = (kill.own ? b : a).accessToken
    must(await first.send(`mutation { ${kill.field(b)} }`, { token }))
    const before = await everything(b, target)
    await lock`commit`
    lock.release()
    const answer = await sent
    await Promise.all(holders)
    return { answer, rows: { before, after: await everything(b, target) } }
  }

  async function waitingForTheLock(): Promise<number> {
    const found = await client`
      select 1 from pg_stat_activity where application_name = 'annul' and wait_event_type = 'Lock'
        and query like '%users%' and datname = current_database()`
    return found.length
  }

  /** All rows of both, and all that B has done. */
  async function everything(b: Device, target: Device) {
    return first.rows(sql`
      select (select jsonb_agg(u order by id) from annul.users u where id in (${b.userId}, ${target.userId})) as users,
        (select jsonb_agg(s order by id) from annul.sessions s where user_id in (${b.userId}, ${target.userId})) as sessions,
        (select jsonb_agg(f order by id) from annul.factors f where user_id = ${b.userId}) as factors,
        (select count(*) from annul.one_time_tokens where user_id in (${b.userId}, ${target.userId})) as tokens,
        (select count(*) from annul.outbox where user_id in (${b.userId}, ${target.userId})) as mails,
        (select count(*) from annul.audit_events where actor_id = ${b.userId}) as events,
        (select epoch from annul.epochs) as epoch`)
  }
})
