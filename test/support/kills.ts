import type { Arena, Member, QuickAnswer } from './crowd.ts'
import type { Device } from './deaths.ts'
import { pairFields, refresh } from './race.ts'

/** The password of a crowd. */
export const password = 'correct horse battery staple'

/** One way to end the first session of a member, for good. */
export interface Kill {
  readonly name: string
  readonly reason: string
  /** `admin` is one who has just proved who they are. */
  kill(arena: Arena, member: Member, admin: Device): Promise<QuickAnswer>
  /** Whether it hashes passwords, so that a round takes many times as long. */
  readonly hashes?: boolean
  /** Whether the password that was right before opens no session any more. */
  readonly locksOut?: boolean
}

export function by(arena: Arena, device: Device, field: string): Promise<QuickAnswer> {
  return arena.send(`mutation { ${field} }`, device.accessToken)
}

export function revokeOtherSessions(arena: Arena, device: Device): Promise<QuickAnswer> {
  return by(arena, device, `revokeOtherSessions ${pairFields}`)
}

export function changePassword(arena: Arena, device: Device): Promise<QuickAnswer> {
  const input = `{ currentPassword: "${password}", newPassword: "another ${password}" }`
  return by(arena, device, `changePassword(input: ${input}) ${pairFields}`)
}

/** They end one session, or all but one. */
export const killsOfSessions: readonly Kill[] = [
  {
    name: 'logout',
    reason: 'LOGGED_OUT',
    kill: (arena, { devices: [here] }) => by(arena, here, 'logout'),
  },
  {
    name: 'logout with the refresh token',
    reason: 'LOGGED_OUT',
    kill: (arena, { devices: [here] }) =>
      arena.send(`mutation { logout(refreshToken: "${here.refreshToken}") }`),
  },
  {
    name: 'revokeSession',
    reason: 'SESSION_REVOKED',
    kill: (arena, { devices: [here, there] }) => by(arena, there, `revokeSession(id: "${here.sessionId}")`),
  },
  {
    name: 'revokeOtherSessions',
    reason: 'SESSIONS_REVOKED',
    kill: (arena, { devices: [, there] }) => revokeOtherSessions(arena, there),
  },
  {
    name: 'the discovery of a theft',
    reason: 'REFRESH_REUSED',
    async kill(arena, { devices: [{ sessionId }] }) {
      const stolen = arena.parts.refreshTokens.derive({ sessionId, generation: 1 })
      const { outcome, ...rest } = await refresh(arena, stolen)
      return { ...rest, outcome: outcome === 'INVALID_REFRESH_TOKEN REFRESH_REUSED' ? 'works' : outcome }
    },
  },
]

/** They end all that the user has, or had before. */
export const killsOfUsers: readonly Kill[] = [
  {
    name: 'revokeSessions',
    reason: 'SESSIONS_REVOKED',
    kill: (arena, { devices: [, there] }) => by(arena, there, 'revokeSessions'),
  },
  {
    name: 'revokeUserSessions',
    reason: 'SESSIONS_REVOKED',
    kill: (arena, { userId }, admin) => by(arena, admin, `revokeUserSessions(id: "${userId}") { id }`),
  },
  {
    name: 'blockUser',
    reason: 'USER_BLOCKED',
    kill: (arena, { userId }, admin) => by(arena, admin, `blockUser(id: "${userId}") { id }`),
    locksOut: true,
  },
  {
    name: 'deleteUser',
    reason: 'USER_DELETED',
    kill: (arena, { userId }, admin) => by(arena, admin, `deleteUser(id: "${userId}")`),
    locksOut: true,
  },
  {
    name: 'changePassword',
    reason: 'PASSWORD_CHANGED',
    kill: (arena, { devices: [, there] }) => changePassword(arena, there),
    hashes: true,
    locksOut: true,
  },
]
