import type { Reason } from '../../../src/errors.ts'
import type { Revoked } from '../../support/linearizability.ts'
import type { Access, Device, Family } from './population.ts'
import type { Operation } from './send.ts'

/** A revoking mutation, ready to be sent. */
export interface RevokingMutation {
  readonly what: Revoked
  readonly reason: Reason
  readonly operation: Operation
  /** The verdict of an answer that has revoked. */
  readonly done: string
  /** Sessions that the mutation ends. Other sessions of the user must live on. */
  readonly ends: readonly Device[]
  /** Whether a client may send the mutation again, to any node, when the answer was lost. */
  readonly repeatable: boolean
}

/** Every revoking verb that hashes no password. Each is sent for a family of its own. */
export const verbs = {
  logout: ({ laptop }) => ({
    ...ofSession(laptop, 'LOGGED_OUT'),
    operation: { query: 'mutation { logout }', token: laptop.access.text },
  }),
  logoutByRefreshToken: ({ laptop }) => ({
    ...ofSession(laptop, 'LOGGED_OUT'),
    operation: {
      query: 'mutation ($refreshToken: String) { logout(refreshToken: $refreshToken) }',
      variables: { refreshToken: laptop.refreshToken },
    },
    repeatable: true,
  }),
  revokeSession: ({ laptop, phone }) => ({
    ...ofSession(laptop, 'SESSION_REVOKED'),
    operation: {
      query: 'mutation ($id: ID!) { revokeSession(id: $id) }',
      variables: { id: laptop.session },
      token: phone.access.text,
    },
    repeatable: true,
  }),
  removeFactor: ({ laptop, phone, factor }) => ({
    ...ofSession(laptop, 'FACTOR_REMOVED'),
    operation: {
      query: 'mutation ($id: ID!) { removeFactor(id: $id) }',
      variables: { id: factor },
      token: phone.access.text,
    },
    repeatable: true,
  }),
  theft: ({ laptop }) => ({
    ...ofSession(laptop, 'REFRESH_REUSED'),
    operation: {
      query: 'mutation ($refreshToken: String) { refresh(refreshToken: $refreshToken) { accessToken } }',
      variables: { refreshToken: laptop.stolen },
    },
    done: 'REFRESH_REUSED',
  }),
  revokeSessions: family => ({
    ...ofUser(family, 'SESSIONS_REVOKED'),
    operation: { query: 'mutation { revokeSessions }', token: family.phone.access.text },
  }),
  revokeOtherSessions: family => ({
    ...ofUser(family, 'SESSIONS_REVOKED'),
    operation: {
      query: 'mutation { revokeOtherSessions { accessToken refreshToken } }',
      token: family.phone.access.text,
    },
    ends: [family.laptop],
  }),
  revokeUserSessions: (family, admin) => ({
    ...ofUser(family, 'SESSIONS_REVOKED'),
    operation: byAdmin('revokeUserSessions(id: $id) { id }', family, admin),
    repeatable: true,
  }),
  blockUser: (family, admin) => ({
    ...ofUser(family, 'USER_BLOCKED'),
    operation: byAdmin('blockUser(id: $id) { id }', family, admin),
    repeatable: true,
  }),
  deleteUser: (family, admin) => ({
    ...ofUser(family, 'USER_DELETED'),
    operation: byAdmin('deleteUser(id: $id)', family, admin),
  }),
  setUserAccess: (family, admin) => ({
    ...ofUser(family, 'ACCESS_CHANGED'),
    operation: byAdmin('setUserAccess(id: $id, roles: ["editor"]) { id }', family, admin),
    ends: [],
    repeatable: true,
  }),
} as const satisfies Record<string, (family: Family, admin: Access) => RevokingMutation>

export type Verb = keyof typeof verbs

export const verbNames = Object.keys(verbs) as Verb[]

function ofSession(device: Device, reason: Reason) {
  const what: Revoked = { kind: 'session', session: device.session }
  return { what, reason, ends: [device], done: 'accepted', repeatable: false }
}

/** Users are made with version 1. */
function ofUser({ user, laptop, phone }: Family, reason: Reason) {
  const what: Revoked = { kind: 'user', user, minVersion: 2 }
  return { what, reason, ends: [laptop, phone], done: 'accepted', repeatable: false }
}

function byAdmin(field: string, { user }: Family, admin: Access): Operation {
  return { query: `mutation ($id: ID!) { ${field} }`, variables: { id: user }, token: admin.text }
}
