import { sql } from 'drizzle-orm'
import {
  changeEmail,
  newAddress,
  newPassword,
  requestPasswordReset,
  resetPassword,
  restoreEmail,
  verifyEmail,
} from './account.ts'
import { must } from './answers.ts'
import type { Account } from './client.ts'
import { type Device, deviceOf, openMfaAdmin } from './devices.ts'
import { mailOf } from './outbox.ts'
import type { TestServer } from './server.ts'
import { until } from './until.ts'

/** The node and the sessions of one case of decisions/truthTable.test.ts. */
export interface Participants {
  readonly node: TestServer
  readonly alice: Account
  /** The session of alice that ends. */
  readonly here: Device
  /** Another session of alice. */
  readonly there: Device
  /** The session of another user. */
  readonly stranger: Device
}

export async function openParticipants(node: TestServer): Promise<Participants> {
  const [alice, bob] = await Promise.all([node.signUp(), node.signUp()])
  return {
    node,
    alice,
    here: deviceOf(alice),
    there: deviceOf(await node.login(alice)),
    stranger: deviceOf(bob),
  }
}

/**
 * Every way in which the session `here` or its access token can end. Each is done over HTTP, except that the test moves
 * the two ends of the session by SQL.
 */
export const tokenEndings: Readonly<Record<string, (participants: Participants) => Promise<unknown>>> = {
  'logout with its access token': ({ node, here }) => mutate(node, here, 'logout'),
  'logout with its refresh token alone': ({ node, here }) =>
    mutate(node, undefined, `logout(refreshToken: "${here.refreshToken}")`),
  'logout with its expired access token and its refresh token': async participants => {
    const { node, here } = participants
    await letAccessTokenExpire(participants, here)
    await mutate(node, here, `logout(refreshToken: "${here.refreshToken}")`)
  },
  'revokeSession by the other session': ({ node, here, there }) =>
    mutate(node, there, `revokeSession(id: "${here.sessionId}")`),
  'revokeSessions by itself': ({ node, here }) => mutate(node, here, 'revokeSessions'),
  'revokeOtherSessions by the other session': ({ node, there }) =>
    mutate(node, there, 'revokeOtherSessions { expiresIn }'),
  'revokeOtherSessions by itself': ({ node, here }) =>
    mutate(node, here, 'revokeOtherSessions { expiresIn }'),
  'changePassword by the other session': participants => changePassword(participants, participants.there),
  'changePassword by itself': participants => changePassword(participants, participants.here),
  blockUser: participants => byAdmin(participants, id => `blockUser(id: "${id}") { id }`),
  setUserAccess: participants =>
    byAdmin(participants, id => `setUserAccess(id: "${id}", roles: ["editor"]) { id }`),
  revokeUserSessions: participants => byAdmin(participants, id => `revokeUserSessions(id: "${id}") { id }`),
  deleteUser: participants => byAdmin(participants, id => `deleteUser(id: "${id}")`),
  deleteAccount: participants => mutate(participants.node, participants.here, 'deleteAccount'),
  recoverAccount: participants => byAdmin(participants, id => `recoverAccount(id: "${id}") { id }`),
  resetFactors: participants => byAdmin(participants, id => `resetFactors(id: "${id}") { id }`),
  resetPassword: async ({ node, alice }) => {
    must(await requestPasswordReset(node, alice.email))
    const { token } = await mailOf(node, 'reset-password', alice.email)
    must(await resetPassword(node, token, newPassword()))
  },
  restoreEmail: async ({ node, alice, there }) => {
    const email = newAddress()
    must(await changeEmail(node, there.accessToken, email))
    must(await verifyEmail(node, (await mailOf(node, 'confirm-new-email', email)).token))
    must(await restoreEmail(node, (await mailOf(node, 'email-changed', alice.email)).token))
  },
  revokeEverything: participants => byAdmin(participants, () => 'revokeEverything'),
  'reuse of a refresh token': reuse,
  'reuse of a refresh token that ends all of the user': reuse,
  'the idle end of the session': ({ node, here }) =>
    node.rows(sql`update annul.sessions set idle_expires_at = now() where id = ${here.sessionId}`),
  'the absolute end of the session': ({ node, here }) =>
    node.rows(sql`update annul.sessions set expires_at = now() where id = ${here.sessionId}`),
  'the end of the access token': participants => letAccessTokenExpire(participants, participants.here),
}

/** Operations on a session that has ended already. */
export const afterwards: typeof tokenEndings = {
  unblockUser: participants => byAdmin(participants, id => `unblockUser(id: "${id}") { id }`),
  'logout with its refresh token again': async ({ node, here }) => {
    const { logout } = must(await node.send(`mutation { logout(refreshToken: "${here.refreshToken}") }`))
    if (logout !== false) throw new Error('The session was live.')
  },
}

async function mutate(node: Participants['node'], device: Device | undefined, field: string): Promise<void> {
  const data = must(await node.send(`mutation { ${field} }`, device && { token: device.accessToken }))
  if (Object.values(data).includes(false)) throw new Error(`It did nothing: ${field}`)
}

async function byAdmin({ node, alice }: Participants, field: (userId: string) => string): Promise<void> {
  await mutate(node, await openMfaAdmin(node), field(alice.userId))
}

function changePassword({ node, alice }: Participants, device: Device): Promise<void> {
  const input = `{ currentPassword: "${alice.password}", newPassword: "another ${alice.password}" }`
  return mutate(node, device, `changePassword(input: ${input}) { expiresIn }`)
}

/** Somebody presents a copy of the token that the device has used. The device holds the newer tokens. */
async function reuse({ node, here }: Participants): Promise<void> {
  const copy = here.refreshToken
  const { accessToken, refreshToken } = must(await node.refresh(copy)).refresh
  Object.assign(here, { accessToken, refreshToken })
  const { code, reason } = await node.refresh(copy)
  if (code !== 'INVALID_REFRESH_TOKEN' || reason !== 'REFRESH_REUSED') throw new Error(`${code} ${reason}`)
}

/** Gives the device an access token that has expired, in a session that lives on. */
export async function letAccessTokenExpire({ node }: Participants, device: Device): Promise<void> {
  const endIn = (time: string) =>
    node.rows(
      sql`update annul.sessions set expires_at = now() + ${time}::interval where id = ${device.sessionId}`,
    )
  // No token outlives its session, so the next one is over within a second. On a slow machine the session may be, too.
  const answer = await until(
    async () => {
      await endIn('1 second')
      return node.refresh(device.refreshToken)
    },
    ({ data }) => data != null,
  )
  await endIn('1 day')
  const { accessToken, refreshToken } = must(answer).refresh
  Object.assign(device, { accessToken, refreshToken })
  await until(
    () => node.send('{ me { id } }', { token: accessToken }),
    ({ reason }) => reason === 'TOKEN_EXPIRED',
  )
}
