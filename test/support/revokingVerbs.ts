import { randomUUID } from 'node:crypto'
import { sql } from 'drizzle-orm'
import type { Purpose } from '../../src/accounts/oneTime.ts'
import type { Device } from './devices.ts'
import type { QuickAnswer, RaceServer, RaceUser } from './raceServer.ts'
import { pairFields, refresh } from './races.ts'

/** The password of every user whose row is given its hash. */
export const password = 'correct horse battery staple'

/** A verb that ends the first session of a user, for good. */
export interface RevokingVerb {
  readonly name: string
  readonly reason: string
  /** @param admin has signed in just now, as the verbs of admins demand */
  revoke(server: RaceServer, user: RaceUser, admin: Device): Promise<QuickAnswer>
  /** Whether the verb hashes passwords: then a round takes many times as long. */
  readonly hashes?: boolean
  /** Whether the former password opens no session afterwards. */
  readonly locksOut?: boolean
}

export function by(server: RaceServer, device: Device, field: string): Promise<QuickAnswer> {
  return server.send(`mutation { ${field} }`, device.accessToken)
}

export function revokeOtherSessions(server: RaceServer, device: Device): Promise<QuickAnswer> {
  return by(server, device, `revokeOtherSessions ${pairFields}`)
}

export function changePassword(server: RaceServer, device: Device): Promise<QuickAnswer> {
  const input = `{ currentPassword: "${password}", newPassword: "another ${password}" }`
  return by(server, device, `changePassword(input: ${input}) ${pairFields}`)
}

/** Verbs that end one session, or all of a user but one. */
export const sessionRevokingVerbs: readonly RevokingVerb[] = [
  {
    name: 'logout',
    reason: 'LOGGED_OUT',
    revoke: (server, { devices: [here] }) => by(server, here, 'logout'),
  },
  {
    name: 'logout with the refresh token',
    reason: 'LOGGED_OUT',
    revoke: (server, { devices: [here] }) =>
      server.send(`mutation { logout(refreshToken: "${here.refreshToken}") }`),
  },
  {
    name: 'revokeSession',
    reason: 'SESSION_REVOKED',
    revoke: (server, { devices: [here, there] }) =>
      by(server, there, `revokeSession(id: "${here.sessionId}")`),
  },
  {
    name: 'revokeOtherSessions',
    reason: 'SESSIONS_REVOKED',
    revoke: (server, { devices: [, there] }) => revokeOtherSessions(server, there),
  },
  {
    name: 'removeFactor',
    reason: 'FACTOR_REMOVED',
    async revoke(server, user) {
      const { id, device } = await insertFactor(server, user, 'TOTP')
      return by(server, device, `removeFactor(id: "${id}")`)
    },
  },
  {
    name: 'makeRecoveryCodes',
    reason: 'FACTOR_REMOVED',
    async revoke(server, user) {
      await insertFactor(server, user, 'TOTP')
      const { device } = await insertFactor(server, user, 'RECOVERY_CODE')
      return by(server, device, 'makeRecoveryCodes')
    },
    hashes: true,
  },
  {
    name: 'the discovery of a theft',
    reason: 'REFRESH_REUSED',
    async revoke(server, { devices: [{ sessionId }] }) {
      const stolen = server.parts.refreshTokens.derive({ sessionId, generation: 1 })
      const { outcome, ...rest } = await refresh(server, stolen)
      return { ...rest, outcome: outcome === 'INVALID_REFRESH_TOKEN REFRESH_REUSED' ? 'works' : outcome }
    },
  },
]

/** Verbs that end all sessions of a user, or all that were opened before. */
export const userRevokingVerbs: readonly RevokingVerb[] = [
  {
    name: 'revokeSessions',
    reason: 'SESSIONS_REVOKED',
    revoke: (server, { devices: [, there] }) => by(server, there, 'revokeSessions'),
  },
  {
    name: 'revokeUserSessions',
    reason: 'SESSIONS_REVOKED',
    revoke: (server, { userId }, admin) => by(server, admin, `revokeUserSessions(id: "${userId}") { id }`),
  },
  {
    name: 'blockUser',
    reason: 'USER_BLOCKED',
    revoke: (server, { userId }, admin) => by(server, admin, `blockUser(id: "${userId}") { id }`),
    locksOut: true,
  },
  {
    name: 'deleteUser',
    reason: 'USER_DELETED',
    revoke: (server, { userId }, admin) => by(server, admin, `deleteUser(id: "${userId}")`),
    locksOut: true,
  },
  {
    name: 'changePassword',
    reason: 'PASSWORD_CHANGED',
    revoke: (server, { devices: [, there] }) => changePassword(server, there),
    hashes: true,
    locksOut: true,
  },
  {
    name: 'deleteAccount',
    reason: 'USER_DELETED',
    revoke: (server, { devices: [, there] }) => by(server, there, 'deleteAccount'),
    locksOut: true,
  },
  {
    name: 'recoverAccount',
    reason: 'ACCOUNT_RECOVERED',
    revoke: (server, { userId }, admin) => by(server, admin, `recoverAccount(id: "${userId}") { id }`),
    locksOut: true,
  },
  {
    name: 'resetFactors',
    reason: 'FACTOR_REMOVED',
    revoke: (server, { userId }, admin) => by(server, admin, `resetFactors(id: "${userId}") { id }`),
  },
  {
    name: 'resetPassword',
    reason: 'PASSWORD_CHANGED',
    async revoke(server, { userId, email }) {
      const token = await insertToken(server, 'reset-password', userId, email)
      const input = `{ token: "${token}", newPassword: "another ${password}" }`
      return server.send(`mutation { resetPassword(input: ${input}) ${pairFields} }`)
    },
    hashes: true,
    locksOut: true,
  },
  {
    name: 'restoreEmail',
    reason: 'SESSIONS_REVOKED',
    async revoke(server, { userId, email }) {
      const token = await insertToken(server, 'restore-email', userId, email)
      return server.send(`mutation { restoreEmail(token: "${token}") }`)
    },
  },
]

/** A factor that has opened the first session of a user. @returns its id, and the second session with a proof by it */
async function insertFactor(
  { rows, parts }: RaceServer,
  { userId, devices: [here, there] }: RaceUser,
  kind: 'TOTP' | 'RECOVERY_CODE',
): Promise<{ id: string; device: Device }> {
  const id = randomUUID()
  await rows(sql`
    insert into annul.factors (id, user_id, kind, secret, confirmed_at) values (${id}, ${userId}, ${kind}, '', now())`)
  await rows(sql`update annul.sessions set factor_ids = array[${id}::uuid] where id = ${here.sessionId}`)
  const claims = parts.accessTokens.verify(there.accessToken)
  if (typeof claims === 'string') throw new Error(claims)
  await rows(
    sql`update annul.sessions set factor_time = to_timestamp(${claims.auth_time}::float8) where id = ${there.sessionId}`,
  )
  const accessToken = parts.accessTokens.sign({ ...claims, amr: ['pwd', 'otp', 'mfa'] })
  return { id, device: { ...there, accessToken } }
}

/** A one-time token, without the request that would have made it. */
async function insertToken(
  { rows, parts }: RaceServer,
  purpose: Purpose,
  userId: string,
  email: string,
): Promise<string> {
  const id = randomUUID()
  await rows(sql`
    insert into annul.one_time_tokens (id, purpose, user_id, email, email_key, expires_at)
    values (${id}, ${purpose}, ${userId}, ${email}, ${email}, now() + interval '1 hour')`)
  return parts.oneTimeTokens.derive(id)
}
