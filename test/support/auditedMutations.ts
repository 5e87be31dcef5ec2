import { sql } from 'drizzle-orm'
import {
  changeEmail,
  newAddress,
  newPassword,
  requestEmailVerification,
  requestPasswordReset,
  resetPassword,
  verifyEmail,
} from './account.ts'
import { firefox, must } from './answers.ts'
import { openAuthenticator } from './authenticator.ts'
import type { Account, Answer, TokensAnswer } from './client.ts'
import { type Device, deviceOf, openMfaAdmin } from './devices.ts'
import {
  beginTotp,
  challengeOf,
  codeOf,
  loginWithFactor,
  signUpWithTotp,
  type TotpAccount,
  wrongCode,
} from './factors.ts'
import { mailOf } from './outbox.ts'
import { beginPasskeyLogin, enrollPasskey, signUpWithPasskey } from './passkeys.ts'
import type { TestServer } from './server.ts'

/** The expected row of `audit_events`. A member that is left out is null in the table. */
export interface AuditRow {
  readonly kind: string
  readonly actor_id?: string | null
  readonly user_id?: string | null
  readonly session_id?: string | null
  readonly detail?: string
}

/** A mutation that can be sent again after a failure. */
export interface AuditedMutation {
  send(): Promise<Answer<unknown>>
  readonly row: AuditRow
  /** True where the mutation writes nothing but the audit row. */
  readonly onlyAudited?: boolean
}

/** Every mutation that leaves a row in `audit_events`, by its field and its outcome. */
export const auditedMutations: Readonly<Record<string, (node: TestServer) => Promise<AuditedMutation>>> = {
  register: async node => {
    const email = `${crypto.randomUUID()}@example.com`
    const input = { email, password: 'a password of the tests' }
    const query =
      'mutation ($input: RegisterInput!) { register(input: $input) { session { id } user { id } } }'
    return { send: sending(node, undefined, query, { input }), row: { kind: 'register', ...opened } }
  },
  login: async node => ({ send: login(node, await node.signUp()), row: { kind: 'login', ...opened } }),
  'login with a wrong password': async node => {
    const { email, userId } = await node.signUp()
    const mutate = login(node, { email, password: 'not the password' })
    return { send: mutate, row: failedLogin(userId, 'wrong password'), onlyAudited: true }
  },
  'login of a blocked user': async node => {
    const account = await node.signUp()
    await run(node, await openMfaAdmin(node), `blockUser(id: "${account.userId}") { id }`)
    const mutate = login(node, account)
    return { send: mutate, row: failedLogin(account.userId, 'blocked user'), onlyAudited: true }
  },
  'login of nobody': async node => {
    const mutate = login(node, { email: 'nobody@example.com', password: 'a password' })
    return { send: mutate, row: failedLogin(null, 'unknown user'), onlyAudited: true }
  },
  'login of an account with a second factor': async node => {
    const account = await signUpWithTotp(node)
    const row = { kind: 'second-factor-asked', user_id: account.userId }
    return { send: login(node, account), row, onlyAudited: true }
  },
  completeLogin: async node => {
    const account = await signUpWithTotp(node)
    const challenge = await challengeOf(node, account)
    return {
      send: () => completeLogin(node, challenge, codeOf(account.secret)),
      row: { kind: 'login', ...opened },
    }
  },
  'completeLogin with a wrong code': async node => {
    const account = await signUpWithTotp(node)
    const challenge = await challengeOf(node, account)
    const row = { kind: 'second-factor-failed', user_id: account.userId, detail: 'totp' }
    return {
      send: () => completeLogin(node, challenge, wrongCode(account.secret)),
      row,
      onlyAudited: true,
    }
  },
  'completeLogin of a reset of the password': async node => {
    const account = await signUpWithTotp(node)
    must(await requestPasswordReset(node, account.email))
    const { token } = await mailOf(node, 'reset-password', account.email)
    const asked = await resetPassword(node, token, newPassword())
    const challenge = String(asked.errors?.[0]?.extensions.challenge)
    return {
      send: () => completeLogin(node, challenge, codeOf(account.secret)),
      row: { kind: 'reset-password', ...opened },
    }
  },
  reauthenticateWith: async node => {
    const account = await signUpWithTotp(node)
    const device = deviceOf(account.tokens)
    return {
      send: () => reauthenticateWith(node, device, codeOf(account.secret)),
      row: { kind: 'reauthenticate', ...self(device), detail: 'by a factor' },
    }
  },
  'reauthenticateWith with a wrong code': async node => {
    const account = await signUpWithTotp(node)
    const device = deviceOf(account.tokens)
    return {
      send: () => reauthenticateWith(node, device, wrongCode(account.secret)),
      row: { kind: 'reauthenticate-failed', ...self(device) },
      onlyAudited: true,
    }
  },
  confirmTotp: async node => {
    const device = deviceOf(await node.signUp())
    const { id, secret } = await beginTotp(node, device.accessToken)
    const field = () => `confirmTotp(id: "${id}", code: "${codeOf(secret)}") { factor { id } }`
    return {
      send: () => sending(node, device, `mutation { ${field()} }`)(),
      row: { kind: 'add-factor', ...self(device), detail: 'TOTP' },
    }
  },
  renameFactor: node =>
    byFactor(
      node,
      'rename-factor',
      ({ factorId }) => `renameFactor(id: "${factorId}", name: "Phone") { id }`,
    ),
  removeFactor: node => byFactor(node, 'remove-factor', ({ factorId }) => `removeFactor(id: "${factorId}")`),
  makeRecoveryCodes: async node => {
    const mutation = await byFactor(node, 'make-recovery-codes', () => 'makeRecoveryCodes')
    const { detail, ...row } = mutation.row
    return { ...mutation, row }
  },
  passkeyLogin: async node => {
    const { authenticator, passkey } = await signUpWithPasskey(node)
    const begun = await beginPasskeyLogin(node)
    const mutate = loginByPasskey(node, begun.id, authenticator.get(begun, passkey))
    return { send: mutate, row: { kind: 'login', ...opened, detail: 'by a passkey' } }
  },
  'passkeyLogin with no passkey': async node => {
    const { id } = await beginPasskeyLogin(node)
    return { send: loginByPasskey(node, id, {}), row: failedLogin(null, 'passkey'), onlyAudited: true }
  },
  confirmPasskey: async node => {
    const device = deviceOf(await node.signUp())
    const { id, options } = await enrollPasskey(node, device.accessToken)
    const { answer: response } = openAuthenticator().create({ id, options })
    const query = `mutation ($id: ID!, $response: JSON!) {
      confirmPasskey(id: $id, response: $response) { factor { id } } }`
    const mutate = sending(node, device, query, { id, response })
    return { send: mutate, row: { kind: 'add-factor', ...self(device), detail: 'PASSKEY' } }
  },
  'logout with the access token': node => bySelf(node, 'logout', () => 'logout'),
  'logout with the refresh token': async node => {
    const device = deviceOf(await node.signUp())
    const mutate = sending(node, undefined, `mutation { logout(refreshToken: "${device.refreshToken}") }`)
    return { send: mutate, row: { kind: 'logout', ...self(device) } }
  },
  'a refresh token used twice': async node => {
    const { userId, sessionId, refreshToken } = deviceOf(await node.signUp())
    must(await node.refresh(refreshToken))
    const mutate = sending(
      node,
      undefined,
      `mutation { refresh(refreshToken: "${refreshToken}") { expiresIn } }`,
    )
    const detail = 'generation 1 presented, 2 current'
    return { send: mutate, row: { kind: 'refresh-reused', user_id: userId, session_id: sessionId, detail } }
  },
  revokeSession: async node => {
    const account = await node.signUp()
    const other = deviceOf(await node.login(account))
    const mutate = sending(node, deviceOf(account), `mutation { revokeSession(id: "${other.sessionId}") }`)
    return { send: mutate, row: { kind: 'revoke-session', ...self(other) } }
  },
  revokeSessions: node => bySelf(node, 'revoke-sessions', () => 'revokeSessions'),
  revokeOtherSessions: node =>
    bySelf(node, 'revoke-other-sessions', () => 'revokeOtherSessions { expiresIn }'),
  reauthenticate: async node => ({
    ...(await bySelf(node, 'reauthenticate', reauthenticate)),
    onlyAudited: true,
  }),
  'reauthenticate with a wrong password': async node => ({
    ...(await bySelf(node, 'reauthenticate-failed', () => reauthenticate({ password: 'wrong' }))),
    onlyAudited: true,
  }),
  changePassword: node => bySelf(node, 'change-password', changePassword),
  'changePassword with a wrong password': async node => ({
    ...(await bySelf(node, 'change-password-failed', () => changePassword({ password: 'wrong' }))),
    onlyAudited: true,
  }),
  blockUser: node =>
    byAdmin(node, 'block-user', id => `blockUser(id: "${id}", reason: "sends spam") { id }`, 'sends spam'),
  unblockUser: async node => {
    const mutation = await byAdmin(node, 'unblock-user', id => `unblockUser(id: "${id}") { id }`)
    await run(node, await openMfaAdmin(node), `blockUser(id: "${mutation.row.user_id}") { id }`)
    return mutation
  },
  setUserAccess: node =>
    byAdmin(
      node,
      'set-user-access',
      id => `setUserAccess(id: "${id}", roles: ["editor", "author"], scopes: ["write"]) { id }`,
      'roles: editor author; scopes: write',
    ),
  revokeUserSessions: node =>
    byAdmin(node, 'revoke-user-sessions', id => `revokeUserSessions(id: "${id}") { id }`),
  deleteUser: node => byAdmin(node, 'delete-user', id => `deleteUser(id: "${id}")`),
  recoverAccount: async node => {
    const mutation = await byAdmin(node, 'recover-account', id => `recoverAccount(id: "${id}") { id }`)
    const detail = `the id was ${mutation.row.user_id}`
    return { ...mutation, row: { ...mutation.row, user_id: inAnswer, detail } }
  },
  delayFactorReset: async node => {
    const mutation = await bySelf(node, 'delay-factor-reset', () => 'delayFactorReset(delay: true) { at }')
    return { ...mutation, row: { ...mutation.row, detail: 'on' } }
  },
  resetFactors: node => byAdmin(node, 'reset-factors', id => `resetFactors(id: "${id}") { id }`),
  'resetFactors of an account that waits a day': async node => {
    const [admin, { userId }] = await Promise.all([openMfaAdmin(node), signUpWithTotp(node)])
    await node.rows(sql`update annul.users set delay_factor_reset = true where id = ${userId}`)
    const send = sending(node, admin, `mutation { resetFactors(id: "${userId}") { id } }`)
    return { send, row: { kind: 'begin-factor-reset', ...self(admin), user_id: userId } }
  },
  deleteAccount: node => bySelf(node, 'delete-account', () => 'deleteAccount'),
  requestEmailVerification: node =>
    bySelf(node, 'request-email-verification', () => 'requestEmailVerification'),
  changeEmail: node =>
    bySelf(node, 'request-email-change', () => `changeEmail(input: { email: "${newAddress()}" }) { id }`),
  'verifyEmail of the present e-mail': async node => {
    const account = await node.signUp()
    must(await requestEmailVerification(node, account.accessToken))
    return byToken(node, account.userId, 'verify-email', await mailOf(node, 'verify-email', account.email))
  },
  'verifyEmail of another e-mail': async node => {
    const [account, email] = [await node.signUp(), newAddress()]
    must(await changeEmail(node, account.accessToken, email))
    return byToken(node, account.userId, 'change-email', await mailOf(node, 'confirm-new-email', email))
  },
  restoreEmail: async node => {
    const [account, email] = [await node.signUp(), newAddress()]
    must(await changeEmail(node, account.accessToken, email))
    must(await verifyEmail(node, (await mailOf(node, 'confirm-new-email', email)).token))
    const { token } = await mailOf(node, 'email-changed', account.email)
    return byToken(node, account.userId, 'restore-email', { token }, 'restoreEmail')
  },
  requestPasswordReset: async node => {
    const { email, userId } = await node.signUp()
    const query = `mutation { requestPasswordReset(email: "${email}") }`
    const row = { kind: 'request-password-reset', user_id: userId }
    return { send: sending(node, undefined, query), row }
  },
  'requestPasswordReset of nobody': async node => {
    const query = `mutation { requestPasswordReset(email: "${newAddress()}") }`
    const row = { kind: 'request-password-reset', detail: 'unknown user' }
    return { send: sending(node, undefined, query), row }
  },
  resetPassword: async node => {
    const { email } = await node.signUp()
    must(await requestPasswordReset(node, email))
    const { token } = await mailOf(node, 'reset-password', email)
    const query =
      'mutation ($input: ResetPasswordInput!) { resetPassword(input: $input) { session { id } user { id } } }'
    const input = { token, newPassword: newPassword() }
    return { send: sending(node, undefined, query, { input }), row: { kind: 'reset-password', ...opened } }
  },
  revokeEverything: async node => {
    const mutation = await byAdmin(node, 'revoke-everything', () => 'revokeEverything')
    return { ...mutation, row: { ...mutation.row, user_id: null } }
  },
}

/** Stands for an id that only the answer tells. audit.test.ts puts the id in its place. */
export const inAnswer = 'in the answer'
const opened = { actor_id: inAnswer, user_id: inAnswer, session_id: inAnswer }

const reauthenticate = ({ password }: Pick<Account, 'password'>) =>
  `reauthenticate(password: "${password}") { expiresIn }`
const changePassword = ({ password }: Pick<Account, 'password'>) =>
  `changePassword(input: { currentPassword: "${password}", newPassword: "another new password" }) { expiresIn }`

function sending(
  node: TestServer,
  device: Device | undefined,
  query: string,
  variables?: Record<string, unknown>,
): AuditedMutation['send'] {
  const headers = { 'user-agent': firefox }
  return () =>
    node.send(query, {
      headers,
      ...(variables && { variables }),
      ...(device && { token: device.accessToken }),
    })
}

function login(
  node: TestServer,
  { email, password }: Pick<Account, 'email' | 'password'>,
): AuditedMutation['send'] {
  const query = 'mutation ($input: LoginInput!) { login(input: $input) { session { id } user { id } } }'
  return sending(node, undefined, query, { input: { email, password } })
}

function loginByPasskey(node: TestServer, id: string, response: unknown): AuditedMutation['send'] {
  const query =
    'mutation ($input: PasskeyLoginInput!) { passkeyLogin(input: $input) { session { id } user { id } } }'
  return sending(node, undefined, query, { input: { id, response } })
}

function failedLogin(user_id: string | null, detail: string): AuditRow {
  return { kind: 'login-failed', user_id, detail }
}

function self({ userId, sessionId }: Device) {
  return { actor_id: userId, user_id: userId, session_id: sessionId }
}

async function bySelf(
  node: TestServer,
  kind: string,
  field: (account: Account & TokensAnswer) => string,
): Promise<AuditedMutation> {
  const account = await node.signUp()
  const device = deviceOf(account)
  return { send: sending(node, device, `mutation { ${field(account)} }`), row: { kind, ...self(device) } }
}

function completeLogin(node: TestServer, challenge: string, totp: string): Promise<Answer<unknown>> {
  const query =
    'mutation ($input: CompleteLoginInput!) { completeLogin(input: $input) { session { id } user { id } } }'
  return sending(node, undefined, query, { input: { challenge, factor: { totp } } })()
}

function reauthenticateWith(node: TestServer, device: Device, totp: string): Promise<Answer<unknown>> {
  return sending(node, device, `mutation { reauthenticateWith(input: { totp: "${totp}" }) { expiresIn } }`)()
}

/** Somebody with an authenticator app, who has given a proof by it, and another session that it has opened. */
async function byFactor(
  node: TestServer,
  kind: string,
  field: (account: TotpAccount) => string,
): Promise<AuditedMutation> {
  const account = await signUpWithTotp(node)
  const device = deviceOf(await loginWithFactor(node, account))
  await loginWithFactor(node, account)
  const row = { kind, ...self(device), detail: 'TOTP' }
  return { send: sending(node, device, `mutation { ${field(account)} }`), row }
}

/** Somebody who has no access token, but the link of a mail. */
function byToken(
  node: TestServer,
  userId: string,
  kind: string,
  { token }: { token: string },
  verb = 'verifyEmail',
): AuditedMutation {
  const send = sending(node, undefined, `mutation { ${verb}(token: "${token}") }`)
  return { send, row: { kind, actor_id: userId, user_id: userId } }
}

async function byAdmin(
  node: TestServer,
  kind: string,
  field: (id: string) => string,
  detail?: string,
): Promise<AuditedMutation> {
  const [admin, { userId }] = await Promise.all([openMfaAdmin(node), node.signUp()])
  const row = { kind, ...self(admin), user_id: userId, ...(detail && { detail }) }
  return { send: sending(node, admin, `mutation { ${field(userId)} }`), row }
}

async function run(node: TestServer, device: Device, field: string): Promise<void> {
  must(await node.send(`mutation { ${field} }`, { token: device.accessToken }))
}
