import { randomUUID } from 'node:crypto'
import { claimsOf, must } from '../../support/answers.ts'
import type { Account, Answer, Client, TokensAnswer } from '../../support/client.ts'
import {
  beginTotp,
  challengeOf,
  codeOf,
  completeLogin,
  confirmTotp,
  reauthenticateWith,
} from '../../support/factors.ts'

/** A mutation that is ready to be sent, and what it does to the rows: everything, or nothing. */
export interface Act {
  send(): Promise<Answer>
  /** By name, SQL conditions that are false before the mutation and true after it. */
  readonly effects: Readonly<Record<string, string>>
  /** The mail that the mutation causes: it waits in the outbox, or has been sent. */
  readonly mail?: { readonly kind: string; readonly recipient: string }
}

export type User = Account & TokensAnswer

/** What an act is made with. */
export interface Stage {
  readonly client: Client
  /** The access token of an admin who has signed in just now. */
  readonly admin: string
  /** The token of a mail to an address, when the mail has arrived. @param purpose as the path of its link */
  tokenOf(purpose: string, recipient: string): Promise<string>
}

/** Every mutation that can be cut off beside others, by name. */
export const acts: Readonly<Record<string, (stage: Stage) => Promise<Act>>> = {
  async requestEmailVerification({ client }) {
    const { userId, email, accessToken } = await client.signUp()
    return {
      send: by(client, accessToken, 'requestEmailVerification'),
      effects: {
        token: hasToken(userId, 'verify-email', 'ended_at is null'),
        audit: audited('request-email-verification', userId),
      },
      mail: { kind: 'verify-email', recipient: email },
    }
  },
  async verifyEmail({ client, tokenOf }) {
    const { userId, email, accessToken } = await client.signUp()
    must(await client.send('mutation { requestEmailVerification }', { token: accessToken }))
    const token = await tokenOf('verify-email', email)
    return {
      send: () => client.send(`mutation { verifyEmail(token: "${token}") }`),
      effects: {
        user: `exists (select from annul.users where id = '${userId}' and email_verified)`,
        token: hasToken(userId, 'verify-email', 'ended_at is not null'),
        audit: audited('verify-email', userId),
      },
    }
  },
  async requestPasswordReset({ client }) {
    const { userId, email } = await client.signUp()
    return {
      send: () => client.send(`mutation { requestPasswordReset(email: "${email}") }`),
      effects: {
        token: hasToken(userId, 'reset-password', 'ended_at is null'),
        audit: audited('request-password-reset', userId),
      },
      mail: { kind: 'reset-password', recipient: email },
    }
  },
  async resetPassword({ client, tokenOf }) {
    const { userId, email } = await client.signUp()
    must(await client.send(`mutation { requestPasswordReset(email: "${email}") }`))
    const token = await tokenOf('reset-password', email)
    const input = `{ token: "${token}", newPassword: "another password of words" }`
    return {
      send: () => client.send(`mutation { resetPassword(input: ${input}) { session { id } } }`),
      effects: {
        ...killed(userId, 'reset-password'),
        token: hasToken(userId, 'reset-password', 'ended_at is not null'),
        verified: `exists (select from annul.users where id = '${userId}' and email_verified)`,
        session: `(select count(*) from annul.sessions where user_id = '${userId}') = 2`,
      },
      mail: { kind: 'password-changed', recipient: email },
    }
  },
  async changeEmail({ client }) {
    const { userId, email, accessToken } = await client.signUp()
    return {
      send: by(client, accessToken, `changeEmail(input: { email: "new-${email}" }) { id }`),
      effects: {
        token: hasToken(userId, 'change-email', 'ended_at is null'),
        audit: audited('request-email-change', userId),
      },
      mail: { kind: 'confirm-new-email', recipient: `new-${email}` },
    }
  },
  async 'verifyEmail of a new e-mail'({ client, tokenOf }) {
    const { userId, email, accessToken } = await client.signUp()
    const other = `new-${email}`
    must(
      await client.send(`mutation { changeEmail(input: { email: "${other}" }) { id } }`, {
        token: accessToken,
      }),
    )
    const token = await tokenOf('verify-email', other)
    return {
      send: () => client.send(`mutation { verifyEmail(token: "${token}") }`),
      effects: {
        email: hasEmail(userId, other),
        token: hasToken(userId, 'change-email', 'ended_at is not null'),
        'way back': hasToken(userId, 'restore-email', 'ended_at is null'),
        audit: audited('change-email', userId),
      },
      mail: { kind: 'email-changed', recipient: email },
    }
  },
  async restoreEmail({ client, tokenOf }) {
    const { userId, email, accessToken } = await client.signUp()
    const other = `new-${email}`
    must(
      await client.send(`mutation { changeEmail(input: { email: "${other}" }) { id } }`, {
        token: accessToken,
      }),
    )
    must(await client.send(`mutation { verifyEmail(token: "${await tokenOf('verify-email', other)}") }`))
    const token = await tokenOf('restore-email', email)
    return {
      send: () => client.send(`mutation { restoreEmail(token: "${token}") }`),
      effects: {
        ...killed(userId, 'restore-email'),
        email: hasEmail(userId, email),
        token: hasToken(userId, 'restore-email', 'ended_at is not null'),
      },
    }
  },
  async deleteAccount({ client }) {
    const { userId, email, accessToken } = await client.signUp()
    return {
      send: by(client, accessToken, 'deleteAccount'),
      effects: { ...killed(userId, 'delete-account'), status: hasStatus(userId, 'DELETED') },
      mail: { kind: 'account-deleted', recipient: email },
    }
  },
  async recoverAccount({ client, admin }) {
    const { userId, email } = await client.signUp()
    const recovered = `(select id from annul.users where email_key = '${email}')`
    return {
      send: by(client, admin, `recoverAccount(id: "${userId}") { id }`),
      effects: {
        id: `${recovered} <> '${userId}'`,
        tombstone: hasStatus(userId, 'DELETED'),
        tokens: `(select token_version from annul.users where id = '${userId}') = 2`,
        password: `exists (select from annul.users where email_key = '${email}' and password_hash is null)`,
        log: revoked(userId),
        audit: `exists (select from annul.audit_events where kind = 'recover-account' and user_id = ${recovered})`,
      },
      mail: { kind: 'account-recovered', recipient: email },
    }
  },
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
    const { refreshToken, session, userId, email } = await client.signUp()
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
      mail: { kind: 'reuse-detected', recipient: email },
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
  async enrollTotp({ client }) {
    const { userId, accessToken } = await client.signUp()
    return {
      send: by(client, accessToken, 'enrollTotp { id }'),
      effects: {
        factor: `exists (select from annul.factors where user_id = '${userId}' and confirmed_at is null)`,
      },
    }
  },
  async confirmTotp({ client }) {
    const { userId, email, accessToken } = await client.signUp()
    const { id, secret } = await beginTotp(client, accessToken)
    return {
      send: by(client, accessToken, `confirmTotp(id: "${id}", code: "${codeOf(secret)}") { factor { id } }`),
      effects: {
        factor: `exists (select from annul.factors where id = '${id}' and confirmed_at is not null)`,
        codes: `${codesOf(userId)} = 10`,
        audit: audited('add-factor', userId),
      },
      mail: { kind: 'factors-changed', recipient: email },
    }
  },
  async completeLogin({ client }) {
    const { userId, email, password, recoveryCode } = await withFactor(client)
    const challenge = await challengeOf(client, { email, password })
    return {
      send: () => completeLogin(client, challenge, { recoveryCode }),
      effects: {
        session: `(select count(*) from annul.sessions where user_id = '${userId}') = 3`,
        code: `${codesOf(userId)} = 7`,
        challenge: `not exists (select from annul.factor_challenges where user_id = '${userId}' and spent_at is null)`,
        audit: `(select count(*) from annul.audit_events where kind = 'login' and user_id = '${userId}') = 2`,
      },
    }
  },
  async reauthenticateWith({ client }) {
    const { userId, recoveryCode, tokens } = await withFactor(client)
    return {
      send: by(
        client,
        tokens.accessToken,
        `reauthenticateWith(input: { recoveryCode: "${recoveryCode}" }) { expiresIn }`,
      ),
      effects: {
        code: `${codesOf(userId)} = 7`,
        audit: `(select count(*) from annul.audit_events where kind = 'reauthenticate' and user_id = '${userId}') = 2`,
      },
    }
  },
  async renameFactor({ client }) {
    const { userId, factorId, tokens } = await withFactor(client)
    return {
      send: by(client, tokens.accessToken, `renameFactor(id: "${factorId}", name: "Phone") { id }`),
      effects: {
        name: `exists (select from annul.factors where id = '${factorId}' and name = 'Phone')`,
        audit: audited('rename-factor', userId),
      },
    }
  },
  async removeFactor({ client }) {
    const { userId, factorId, tokens, other } = await withFactor(client)
    return {
      send: by(client, tokens.accessToken, `removeFactor(id: "${factorId}")`),
      effects: {
        factor: `not exists (select from annul.factors where user_id = '${userId}')`,
        session: ended(other.id),
        log: revoked(other.id),
        audit: audited('remove-factor', userId),
      },
    }
  },
  async makeRecoveryCodes({ client }) {
    const { userId, tokens, other } = await withFactor(client)
    return {
      send: by(client, tokens.accessToken, 'makeRecoveryCodes'),
      effects: {
        codes: `${codesOf(userId)} = 10`,
        session: ended(other.id),
        log: revoked(other.id),
        audit: audited('make-recovery-codes', userId),
      },
    }
  },
  async changePassword({ client }) {
    const { userId, email, password, accessToken, session } = await client.signUp()
    const input = `{ currentPassword: "${password}", newPassword: "another ${password}" }`
    return {
      send: by(client, accessToken, `changePassword(input: ${input}) { expiresIn }`),
      effects: {
        ...killed(userId, 'change-password'),
        own: `(select session_version from annul.sessions where id = '${session.id}') = 2`,
      },
      mail: { kind: 'password-changed', recipient: email },
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

/** A user with an authenticator app and eight recovery codes; another two were used, by the session `other` too. */
async function withFactor(client: Client) {
  const { email, password, userId, ...first } = await client.signUp()
  const begun = await beginTotp(client, first.accessToken)
  const { recoveryCodes } = must(await confirmTotp(client, first.accessToken, begun)).confirmTotp
  const [proof = '', entry = '', recoveryCode = ''] = recoveryCodes ?? []
  must(await reauthenticateWith(client, first.accessToken, { recoveryCode: proof }))
  const challenge = await challengeOf(client, { email, password })
  const { completeLogin: tokens } = must(await completeLogin(client, challenge, { recoveryCode: entry }))
  return { email, password, userId, factorId: begun.id, recoveryCode, tokens, other: first.session }
}

/** How many recovery codes are left. */
function codesOf(userId: string): string {
  return `(select count(*) from annul.recovery_codes c join annul.factors f on f.id = c.factor_id
    where f.user_id = '${userId}' and c.used_at is null)`
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

function hasEmail(userId: string, email: string): string {
  return `exists (select from annul.users where id = '${userId}' and email = '${email}')`
}

function hasToken(userId: string, purpose: string, state: string): string {
  return `exists (select from annul.one_time_tokens where user_id = '${userId}' and purpose = '${purpose}' and ${state})`
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
