import { sql } from 'drizzle-orm'
import { must } from './answers.ts'
import type { TokensAnswer } from './client.ts'
import { makeAdmin, type TestServer } from './server.ts'

/** The session and the tokens of one device. Rotated tokens replace the old ones, as in a client. */
export interface Device {
  readonly userId: string
  readonly sessionId: string
  accessToken: string
  refreshToken: string
}

export function deviceOf(tokens: TokensAnswer): Device {
  const { accessToken, refreshToken, session, user } = tokens
  return { userId: user.id, sessionId: session.id, accessToken, refreshToken }
}

/** The device of a new admin, who has signed in just now. */
export async function openAdmin(node: TestServer): Promise<Device> {
  const { email, ...tokens } = await node.signUp()
  await makeAdmin(node, email)
  // The next access token carries the role; a password need not be hashed for it.
  return deviceOf(must(await node.refresh(tokens.refreshToken)).refresh)
}

/** As `openAdmin`, with a session that was opened by a second factor. */
export async function openMfaAdmin(node: TestServer): Promise<Device> {
  const admin = await openAdmin(node)
  await node.rows(
    sql`update annul.sessions set amr = '{pwd,otp,mfa}', factor_time = auth_time where id = ${admin.sessionId}`,
  )
  return deviceOf(must(await node.refresh(admin.refreshToken)).refresh)
}
