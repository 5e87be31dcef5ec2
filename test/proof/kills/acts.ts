import { randomUUID } from 'node:crypto'
import { claimsOf, must } from '../../support/answers.ts'
import type { Account, Answer, Client, TokensAnswer } from '../../support/client.ts'

/** A mutation that is ready to be sent, and what it does to the rows: everything, or nothing. */
export interface Act {
  send(): Promise<Answer>
  /** By name, SQL conditions that are false before the mutation and true after it. */
  readonly effects: Readonly<Record<string, string>>
}

export type User = Account & TokensAnswer

/** What an act is made with. */
export interface Stage {
  readonly client: Client
  /** The access token of an admin who has signed in just now. */
  readonly admin: string
}

/** Every mutation that can be cut off beside others, by name. */
export const acts: Readonly<Record<string, (stage: Stage) => Promise<Act>>> = {
  async register({ client }) {
    const email = `${randomUUID()}@example.com`
    const input = { email, password: 'correct horse battery staple' }
    const user = `(select id from annul.users where email_key = '${email}')`
    return {
      send: () =>
        client.send(withTokens('register(input: $input)', '$input: RegisterInput!'), {
          variables: { input },
        }),
      effects: {
        user: `${user} is not null`,
        session: `exists (select from annul.sessions where user_id = ${user})`,
        audit: `exists (select from annul.audit_events where kind = 'register' and user_id = ${user})`,
      },
    }
  },
  async login({ client }) {
    const { userId, email, password } = await client.signUp()
    const variables = { input: { email, password } }
    return {
      send: () => client.send(withTokens('login(input: $input)', '$input: LoginInput!'), { variables }),
      effects: {
        session: `(select count(*) from annul.sessions where user_id = '${userId}') = 2`,
        audit: audited('login', userId),
      },
    }
  },
  async refresh({ client }) {
    const { refreshToken, session } = await client.signUp()
    return {
      send: () => client.refresh(refreshToken),
      effects: { generation: `(select generation from annul.sessions where id = '${session.id}') = 2` },
    }
  },
  async 'a refresh token used twice'({ client }) {
    const { refreshToken, session, userId } = await client.signUp()
    must(await client.refresh(refreshToken))
    return {
      // The refusal tells of the kill.
      send: async () => {
        const answer = await client.refresh(refreshToken)
        return answer.reason === 'REFRESH_REUSED' ? { ...answer, errors: undefined } : answer
      },
      effects: {
        session: ended(session.id),
        log: revoked(session.id),
        audit: audited('refresh-reused', userId),
      },
    }
  },
  async logout({ client }) {
    const user = await client.signUp()
    return {
      send: by(client, user.accessToken, 'logout'),
      effects: {
        session: ended(user.session.id),
        log: revoked(user.session.id),
        audit: audited('logout', user.userId),
      },
    }
  },
  async revokeSession({ client }) {
    const user = await client.signUp()
    const other = await client.login(user)
    return {
      send: by(client, user.accessToken, `revokeSession(id: "${other.session.id}")`),
      effects: {
        session: ended(other.session.id),
        log: revoked(other.session.id),
        audit: audited('revoke-session', user.userId),
      },
    }
  },
  async revokeSessions({ client }) {
    const user = await client.signUp()
    return {
      send: by(client, user.accessToken, 'revokeSessions'),
      effects: killed(user.userId, 'revoke-sessions'),
    }
  },
  async revokeOtherSessions({ client }) {
    const user = await client.signUp()
    return {
      send: by(client, user.accessToken, 'revokeOtherSessions { expiresIn }'),
      effects: {
        ...killed(user.userId, 'revoke-other-sessions'),
        own: `(select session_version from annul.sessions where id = '${user.session.id}') = 2`,
      },
    }
  },
  async reauthenticate({ client }) {
    const { userId, password, accessToken } = await client.signUp()
    return {
      send: by(client, accessToken, `reauthenticate(password: "${password}") { expiresIn }`),
      effects: { audit: audited('reauthenticate', userId) },
    }
  },
  async changePassword({ client }) {
    const { userId, password, accessToken, session } = await client.signUp()
    const input = `{ currentPassword: "${password}", newPassword: "another ${password}" }`
    return {
      send: by(client, accessToken, `changePassword(input: ${input}) { expiresIn }`),
      effects: {
        ...killed(userId, 'change-password'),
        own: `(select session_version from annul.sessions where id = '${session.id}') = 2`,
      },
    }
  },
  async blockUser({ client, admin }) {
    const { userId } = await client.signUp()
    return {
      send: by(client, admin, `blockUser(id: "${userId}") { id }`),
      effects: { ...killed(userId, 'block-user'), status: hasStatus(userId, 'BLOCKED') },
    }
  },
  async unblockUser({ client, admin }) {
    const { userId } = await client.signUp()
    must(await client.send(`mutation { blockUser(id: "${userId}") { id } }`, { token: admin }))
    return {
      send: by(client, admin, `unblockUser(id: "${userId}") { id }`),
      effects: { status: hasStatus(userId, 'ACTIVE'), audit: audited('unblock-user', userId) },
    }
  },
  async setUserAccess({ client, admin }) {
    const { userId } = await client.signUp()
    return {
      send: by(client, admin, `setUserAccess(id: "${userId}", roles: ["editor"], scopes: ["write"]) { id }`),
      effects: {
        roles: `exists (select from annul.users where id = '${userId}' and roles = '{editor}')`,
        scopes: `exists (select from annul.users where id = '${userId}' and scopes = '{write}')`,
        version: `(select token_version from annul.users where id = '${userId}') = 2`,
        log: revoked(userId),
        audit: audited('set-user-access', userId),
      },
    }
  },
  async revokeUserSessions({ client, admin }) {
    const { userId } = await client.signUp()
    return {
      send: by(client, admin, `revokeUserSessions(id: "${userId}") { id }`),
      effects: killed(userId, 'revoke-user-sessions'),
    }
  },
  async deleteUser({ client, admin }) {
    const { userId, session } = await client.signUp()
    return {
      send: by(client, admin, `deleteUser(id: "${userId}")`),
      effects: {
        ...killed(userId, 'delete-user'),
        status: hasStatus(userId, 'DELETED'),
        email: `exists (select from annul.users where id = '${userId}' and email is null and password_hash is null)`,
        address: `exists (select from annul.sessions where id = '${session.id}' and ip_address is null)`,
      },
    }
  },
}

/** Mutations that end everybody's tokens: sent alone, because other mutations would be refused. */
export const lonelyActs: typeof acts = {
  async revokeEverything({ client, admin }) {
    const epoch = Number(claimsOf(admin).epoch)
    return {
      send: by(client, admin, 'revokeEverything'),
      effects: {
        epoch: `(select epoch from annul.epochs) > ${epoch}`,
        log: `exists (select from annul.revocations where kind = 'everyone' and min_version > ${epoch})`,
        audit: `(select count(*) from annul.audit_events where kind = 'revoke-everything') >= ${epoch}`,
      },
    }
  },
}

function by(client: Client, token: string, field: string): Act['send'] {
  return () => client.send(`mutation { ${field} }`, { token })
}

function withTokens(field: string, parameter: string): string {
  return `mutation (${parameter}) { ${field} { session { id } } }`
}

function audited(kind: string, userId: string): string {
  return `exists (select from annul.audit_events where kind = '${kind}' and user_id = '${userId}')`
}

function ended(sessionId: string): string {
  return `exists (select from annul.sessions where id = '${sessionId}' and ended_at is not null)`
}

function revoked(subject: string): string {
  return `exists (select from annul.revocations where subject = '${subject}')`
}

function hasStatus(userId: string, status: string): string {
  return `exists (select from annul.users where id = '${userId}' and status = '${status}')`
}

/** What ends all sessions of a user. */
function killed(userId: string, kind: string): Act['effects'] {
  return {
    tokens: `(select token_version from annul.users where id = '${userId}') = 2`,
    sessions: `(select session_version from annul.users where id = '${userId}') = 2`,
    log: revoked(userId),
    audit: audited(kind, userId),
  }
}
