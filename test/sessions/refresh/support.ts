import { createHmac, randomBytes } from 'node:crypto'
import { expect } from '@jest/globals'
import { sql } from 'drizzle-orm'
import type { Answer, TokensAnswer } from '../../support/client.ts'
import type { TestServer } from '../../support/server.ts'

/** A new attempt id, as a client makes one before it sends a refresh. */
export const newAttempt = () => randomBytes(18).toString('base64url')

/** The row of a session and the number of rows of every table, to show that nothing was written. */
export interface Snapshot {
  readonly session: Readonly<Record<string, unknown>>
  readonly counts: Readonly<Record<string, number>>
}

export async function snapshot(server: TestServer, sessionId: string): Promise<Snapshot> {
  const [found] = await server.rows<Snapshot>(sql`
    select to_jsonb(s) as session, jsonb_build_object(
      'users', (select count(*) from annul.users),
      'sessions', (select count(*) from annul.sessions),
      'revocations', (select count(*) from annul.revocations),
      'auditEvents', (select count(*) from annul.audit_events),
      'signingKeys', (select count(*) from annul.signing_keys),
      'epochs', (select count(*) from annul.epochs)) as counts
    from annul.sessions s where id = ${sessionId}`)
  if (found === undefined) throw new Error('There is no such session.')
  return found
}

/** Refreshes. @throws Error when the refresh is refused */
export async function refreshed(
  server: TestServer,
  refreshToken: string,
  attempt?: string,
): Promise<TokensAnswer> {
  const { data, errors } = await server.refresh(refreshToken, attempt)
  if (!data) throw new Error(`The refresh failed: ${JSON.stringify(errors)}`)
  return data.refresh
}

export interface Chain {
  /** By generation: `tokens[0]` is the first. */
  readonly tokens: readonly string[]
  /** `attempts[0]` took the first generation to the second. */
  readonly attempts: readonly string[]
  /** What the last refresh gave. */
  readonly last: TokensAnswer
}

/** Refreshes several times, each time with the newest token. */
export async function rotate(server: TestServer, from: TokensAnswer, times: number): Promise<Chain> {
  const tokens = [from.refreshToken]
  const attempts: string[] = []
  let last = from
  for (let time = 0; time < times; time++) {
    const attempt = newAttempt()
    last = await refreshed(server, last.refreshToken, attempt)
    attempts.push(attempt)
    tokens.push(last.refreshToken)
  }
  return { tokens, attempts, last }
}

const messages: Record<string, string> = {
  TOKEN_STALE: 'A newer refresh token was issued to you.',
  TOKEN_INVALID: 'The token is not valid.',
  TOKEN_MISSING: 'There is no refresh token.',
  TOKEN_EXPIRED: 'The access token has expired.',
  REFRESH_REUSED: 'A refresh token was used twice, so its session was ended.',
  SESSION_EXPIRED: 'This session has expired.',
}

/** The whole answer to a refresh that was refused. */
export function refused(reason: string) {
  const recover = reason === 'TOKEN_STALE' ? 'REFRESH' : 'LOGIN'
  const extensions = { code: 'INVALID_REFRESH_TOKEN', reason, recover }
  const message = messages[reason] ?? expect.any(String)
  return {
    status: 200,
    data: null,
    errors: [{ message, path: ['refresh'], locations: expect.any(Array), extensions }],
  }
}

/** The whole answer to `{ me { id } }` whose access token was refused. */
export function unauthenticated(reason: string) {
  const recover = reason === 'TOKEN_EXPIRED' || reason === 'ACCESS_CHANGED' ? 'REFRESH' : 'LOGIN'
  const extensions = { code: 'UNAUTHENTICATED', reason, recover }
  const message = messages[reason] ?? expect.any(String)
  return {
    status: 401,
    data: null,
    errors: [{ message, path: ['me'], locations: expect.any(Array), extensions }],
  }
}

/** The parts of an answer that its body and status line carry. */
export function bodyOf({ status, data, errors }: Answer<unknown>) {
  return { status, data, errors }
}

/** The answer of a node to `{ me { id } }` with an access token. */
export async function me(
  server: Pick<TestServer, 'send'>,
  token: string,
  headers: Record<string, string> = {},
) {
  return bodyOf(await server.send('{ me { id } }', { token, headers }))
}

/** The whole answer to `{ me { id } }` of a signed-in user. */
export const accepted = (userId: string) => ({ status: 200, data: { me: { id: userId } }, errors: undefined })

/** The claims of an access token, unverified. */
export function claimsOf(accessToken: string): Record<string, unknown> & { iat: number; exp: number } {
  return JSON.parse(Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString())
}

/** What shows with `annul-renew` that the sender of an access token holds its session's refresh token. */
export function renewalProof(refreshToken: string, accessToken: string): string {
  return createHmac('sha256', refreshToken)
    .update(`annul-renew${claimsOf(accessToken).jti}`)
    .digest('base64url')
}
