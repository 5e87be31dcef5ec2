import { sql } from 'drizzle-orm'
import type { Account, Answer, Client, TokensAnswer } from './client.ts'
import { makeAdmin, type TestServer } from './server.ts'
import { until } from './until.ts'

/** Who takes part in a case of test/truthTable.test.ts. */
export interface Stage {
  readonly node: TestServer
  readonly alice: Account
  /** The session of alice that dies. */
  readonly here: Device
  /** Another session of alice. */
  readonly there: Device
  /** The session of another user. */
  readonly stranger: Device
}

/** What one device holds. Rotated tokens are put back, as a client would. */
export interface Device {
  readonly userId: string
  readonly sessionId: string
  accessToken: string
  refreshToken: string
}

export async function openStage(node: TestServer): Promise<Stage> {
  const [alice, bob] = await Promise.all([node.signUp(), node.signUp()])
  return {
    node,
    alice,
    here: deviceOf(alice),
    there: deviceOf(await node.login(alice)),
    stranger: deviceOf(bob),
  }
}

export function deviceOf(tokens: TokensAnswer): Device {
  const { accessToken, refreshToken, session, user } = tokens
  return { userId: user.id, sessionId: session.id, accessToken, refreshToken }
}

/** Works, or the reason of the refusal. */
export type Fate = string

/** The answer to `{ me { id } }` with an access token, as far as the contract speaks about it. */
export async function useAccessToken(node: Client, token: string): Promise<unknown> {
  return seen(await node.send('{ me { id } }', { token }))
}

/** What `useAccessToken` must see. */
export function accessAnswer(fate: Fate, userId: string): unknown {
  return fate === 'works' ? { status: 200, data: { me: { id: userId } } } : refusedAccess(fate)
}

export function refusedAccess(reason: string): unknown {
  return { status: 401, data: null, code: 'UNAUTHENTICATED', reason, recover: recoveryFrom(reason) }
}

/** The answer to `refresh`. A device that got new tokens keeps them. */
export async function useRefreshToken(node: Client, device: Device): Promise<unknown> {
  const answer = await node.refresh(device.refreshToken)
  if (!answer.data) return seen(answer)
  const { accessToken, refreshToken, session } = answer.data.refresh
  Object.assign(device, { accessToken, refreshToken })
  return { ...seen(answer), data: { sessionId: session.id, next: await useAccessToken(node, accessToken) } }
}

/** What `useRefreshToken` must see. */
export function refreshAnswer(fate: Fate, { userId, sessionId }: Device): unknown {
  const next = accessAnswer('works', userId)
  return fate === 'works' ? { status: 200, data: { sessionId, next } } : refusedRefresh(fate)
}

export function refusedRefresh(reason: string): unknown {
  return { status: 200, data: null, code: 'INVALID_REFRESH_TOKEN', reason, recover: recoveryFrom(reason) }
}

export function seen({ status, data, code, reason, errors }: Answer<unknown>) {
  const recover = errors?.[0]?.extensions.recover
  return { status, data, ...(errors && { code, reason, recover }) }
}

/** The contract's third column. */
function recoveryFrom(reason: string): string {
  return ['TOKEN_EXPIRED', 'ACCESS_CHANGED', 'TOKEN_STALE'].includes(reason) ? 'REFRESH' : 'LOGIN'
}

/** The data of an answer that must have succeeded. */
export function must<Data>(answer: Answer<Data>): Data {
  if (answer.errors || !answer.data) throw new Error(`Refused: ${JSON.stringify(answer.errors)}`)
  return answer.data
}

/** An admin's device, who has just proved who they are. */
export async function openAdmin(node: TestServer): Promise<Device> {
  const { email, ...tokens } = await node.signUp()
  await makeAdmin(node, email)
  // The next access token carries the role; a password need not be hashed for it.
  return deviceOf(must(await node.refresh(tokens.refreshToken)).refresh)
}

/** Gives the device an access token that has expired, in a session that lives on. */
export async function letAccessTokenExpire({ node }: Stage, device: Device): Promise<void> {
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
