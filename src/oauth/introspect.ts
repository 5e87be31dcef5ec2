import { readTwice } from '../database/readTwice.ts'
import { judgeFormerToken } from '../decisions/judgeFormerToken.ts'
import type { StrictReader } from '../decisions/strictReader.ts'
import type { Reason } from '../errors.ts'
import type { Parts } from '../parts.ts'
import { sessionEnd } from '../sessions/issueTokens.ts'
import { endOf, readSession } from '../sessions/sessionState.ts'
import type { RefreshClaims } from '../tokens/refreshToken.ts'
import { readToken } from './readToken.ts'

type Inactive = Reason | 'TOKEN_STALE'

/** The answer of RFC 7662, 2.2. Members beside `active` are the token's claims. */
export type Introspection =
  | ({ readonly active: true; readonly token_type: string } & Readonly<Record<string, unknown>>)
  | {
      readonly active: false
      /**
       * RFC 7662, 2.2, wants no word beside `active: false`, because who asks may be anybody who holds some text. Here
       * only a service with the right `introspect` is answered at all. It tells its own client what the client has to do
       * next (sign in, or only refresh), as every Annul node tells it, and learns nothing about a token that it does not
       * hold: of a text that is no authentic token, only TOKEN_INVALID is said.
       */
      readonly annul_reason: Inactive
    }

type IntrospectionParts = Pick<
  Parts,
  'accessTokens' | 'config' | 'decisions' | 'formerTokens' | 'keys' | 'refreshTokens'
>

/**
 * Whether a token lives, by the rows of this moment: by a statement that is sent after the call, never from memory. So a
 * request that begins after a revoking mutation returned is told so, whatever this node has heard of it.
 *
 * @throws the driver's error when the database does not answer: an outage is neither a yes nor a no
 */
export async function introspect(
  parts: IntrospectionParts,
  strict: StrictReader,
  token: string,
): Promise<Introspection> {
  const read = await readToken(parts, token)
  if (typeof read === 'string') return inactive(read)
  switch (read.kind) {
    case 'access': {
      const reason = await strict.verdict(read.claims)
      return reason === undefined ? active('Bearer', read.claims) : inactive(reason)
    }
    case 'former': {
      const user = await strict.ofUser(read.token.userId)
      const { claims, refused } = judgeFormerToken(read.token, user, parts.config.mfaRoles)
      if (refused !== undefined) return inactive(refused)
      // A former system's token has neither a session nor an id.
      const { sid: _sid, jti: _jti, ...others } = claims
      return active('Bearer', others)
    }
    case 'refresh':
      return introspectRefreshToken(parts, read.claims)
  }
}

/**
 * The answer has no scope and no roles, and the server itself as audience: a resource server that looks at these must
 * not take a refresh token for an access token.
 */
async function introspectRefreshToken(
  { config, decisions }: IntrospectionParts,
  presented: RefreshClaims,
): Promise<Introspection> {
  const state = await readTwice(() => readSession(decisions, presented.sessionId))
  // An ended session is deleted after a month.
  if (state === undefined) return inactive('SESSION_EXPIRED')
  const over = endOf(state)
  if (over) return inactive(over)
  const { session } = state
  const behind = session.generation - presented.generation
  // To look at a former generation is no sign of theft: it was not used.
  if (behind !== 0) return inactive(behind > 0 ? 'TOKEN_STALE' : 'TOKEN_INVALID')
  return active('refresh_token', {
    iss: config.issuer,
    aud: config.issuer,
    client_id: config.audience,
    sub: session.userId,
    sid: session.id,
    iat: seconds(session.rotatedAt),
    exp: seconds(sessionEnd(session)),
    auth_time: seconds(session.authTime),
    amr: session.amr,
  })
}

/** An app's own claims stand in the token under any name but Annul's. None of them may say that the token lives. */
function active(tokenType: string, claims: Readonly<Record<string, unknown>>): Introspection {
  return { ...claims, active: true, token_type: tokenType }
}

function inactive(reason: Inactive): Introspection {
  return { active: false, annul_reason: reason }
}

function seconds(time: Date): number {
  return Math.floor(time.getTime() / 1000)
}
