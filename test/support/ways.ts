import { sql } from 'drizzle-orm'
import { type Device, letAccessTokenExpire, must, openAdmin, type Stage } from './deaths.ts'

/** Every way in which `here`, a session of alice, or its access token can die; done over HTTP on the stage's node. */
export const ways: Readonly<Record<string, (stage: Stage) => Promise<unknown>>> = {
  'logout with its access token': ({ node, here }) => mutate(node, here, 'logout'),
  'logout with its refresh token alone': ({ node, here }) =>
    mutate(node, undefined, `logout(refreshToken: "${here.refreshToken}")`),
  'logout with its expired access token and its refresh token': async stage => {
    const { node, here } = stage
    await letAccessTokenExpire(stage, here)
    await mutate(node, here, `logout(refreshToken: "${here.refreshToken}")`)
  },
  'revokeSession by the other session': ({ node, here, there }) =>
    mutate(node, there, `revokeSession(id: "${here.sessionId}")`),
  'revokeSessions by itself': ({ node, here }) => mutate(node, here, 'revokeSessions'),
  'revokeOtherSessions by the other session': ({ node, there }) =>
    mutate(node, there, 'revokeOtherSessions { expiresIn }'),
  'revokeOtherSessions by itself': ({ node, here }) =>
    mutate(node, here, 'revokeOtherSessions { expiresIn }'),
  'changePassword by the other session': stage => changePassword(stage, stage.there),
  'changePassword by itself': stage => changePassword(stage, stage.here),
  blockUser: stage => byAdmin(stage, id => `blockUser(id: "${id}") { id }`),
  setUserAccess: stage => byAdmin(stage, id => `setUserAccess(id: "${id}", roles: ["editor"]) { id }`),
  revokeUserSessions: stage => byAdmin(stage, id => `revokeUserSessions(id: "${id}") { id }`),
  deleteUser: stage => byAdmin(stage, id => `deleteUser(id: "${id}")`),
  revokeEverything: stage => byAdmin(stage, () => 'revokeEverything'),
  'reuse of a refresh token': reuse,
  'reuse of a refresh token that ends all of the user': reuse,
  'the idle end of the session': ({ node, here }) =>
    node.rows(sql`update annul.sessions set idle_expires_at = now() where id = ${here.sessionId}`),
  'the absolute end of the session': ({ node, here }) =>
    node.rows(sql`update annul.sessions set expires_at = now() where id = ${here.sessionId}`),
  'the end of the access token': stage => letAccessTokenExpire(stage, stage.here),
}

/** What can be done to a session that is dead already. */
export const afterwards: typeof ways = {
  unblockUser: stage => byAdmin(stage, id => `unblockUser(id: "${id}") { id }`),
  'logout with its refresh token again': async ({ node, here }) => {
    const { logout } = must(await node.send(`mutation { logout(refreshToken: "${here.refreshToken}") }`))
    if (logout !== false) throw new Error('It had been live.')
  },
}

async function mutate(node: Stage['node'], device: Device | undefined, field: string): Promise<void> {
  const data = must(await node.send(`mutation { ${field} }`, device && { token: device.accessToken }))
  if (Object.values(data).includes(false)) throw new Error(`It did nothing: ${field}`)
}

async function byAdmin({ node, alice }: Stage, field: (userId: string) => string): Promise<void> {
  await mutate(node, await openAdmin(node), field(alice.userId))
}

function changePassword({ node, alice }: Stage, device: Device): Promise<void> {
  const input = `{ currentPassword: "${alice.password}", newPassword: "another ${alice.password}" }`
  return mutate(node, device, `changePassword(input: ${input}) { expiresIn }`)
}

/** Somebody presents a copy of the token that the device has used. The device holds the newer tokens. */
async function reuse({ node, here }: Stage): Promise<void> {
  const copy = here.refreshToken
  const { accessToken, refreshToken } = must(await node.refresh(copy)).refresh
  Object.assign(here, { accessToken, refreshToken })
  const { code, reason } = await node.refresh(copy)
  if (code !== 'INVALID_REFRESH_TOKEN' || reason !== 'REFRESH_REUSED') throw new Error(`${code} ${reason}`)
}
