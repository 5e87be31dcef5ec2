import type { Answer, Client } from './client.ts'
import type { Device } from './devices.ts'

/** `works`, or the reason of a refusal. */
export type Fate = string

/** The answer to `{ me { id } }` with an access token, as far as the contract speaks about it. */
export async function presentAccessToken(node: Client, token: string): Promise<unknown> {
  return seen(await node.send('{ me { id } }', { token }))
}

/** The answer that `presentAccessToken` must get. */
export function accessAnswer(fate: Fate, userId: string): unknown {
  return fate === 'works' ? { status: 200, data: { me: { id: userId } } } : refusedAccess(fate)
}

export function refusedAccess(reason: string): unknown {
  return { status: 401, data: null, code: 'UNAUTHENTICATED', reason, recover: recoveryFrom(reason) }
}

/** The answer to `refresh`. A device that got new tokens keeps them. */
export async function presentRefreshToken(node: Client, device: Device): Promise<unknown> {
  const answer = await node.refresh(device.refreshToken)
  if (!answer.data) return seen(answer)
  const { accessToken, refreshToken, session } = answer.data.refresh
  Object.assign(device, { accessToken, refreshToken })
  return {
    ...seen(answer),
    data: { sessionId: session.id, next: await presentAccessToken(node, accessToken) },
  }
}

/** The answer that `presentRefreshToken` must get. */
export function refreshAnswer(fate: Fate, { userId, sessionId }: Device): unknown {
  const next = accessAnswer('works', userId)
  return fate === 'works' ? { status: 200, data: { sessionId, next } } : refusedRefresh(fate)
}

export function refusedRefresh(reason: string): unknown {
  return { status: 200, data: null, code: 'INVALID_REFRESH_TOKEN', reason, recover: recoveryFrom(reason) }
}

function seen({ status, data, code, reason, errors }: Answer<unknown>) {
  const recover = errors?.[0]?.extensions.recover
  return { status, data, ...(errors && { code, reason, recover }) }
}

/** `recover` as the contract's table of reasons has it. */
function recoveryFrom(reason: string): string {
  return ['TOKEN_EXPIRED', 'ACCESS_CHANGED', 'TOKEN_STALE'].includes(reason) ? 'REFRESH' : 'LOGIN'
}
