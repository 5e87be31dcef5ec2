import type { Config } from '../config.ts'
import { notFound } from '../errors.ts'
import type { Parts } from '../parts.ts'
import { endUserSessions, type Subject } from '../services/endUserSessions.ts'
import type { Service } from '../services/findService.ts'
import type { Visitor } from '../viewer.ts'
import { invalidRequest } from './oauthError.ts'

/**
 * Ends all sessions of a user (draft-parecki-oauth-global-token-revocation-06). The draft allows an answer when the work
 * has begun; this returns when no node accepts the user's tokens.
 *
 * @param body the parsed JSON: `{ sub_id }` with a subject identifier of RFC 9493
 * @throws OAuthError invalid_request; AuthError NOT_FOUND; ServiceEndedError
 */
export async function revokeSubject(
  parts: Parts,
  visitor: Visitor,
  service: Service,
  body: unknown,
): Promise<void> {
  await endUserSessions(parts, visitor, service, readSubject(parts.config, body))
}

/** @throws OAuthError invalid_request; AuthError NOT_FOUND for a subject of another issuer */
function readSubject({ issuer }: Pick<Config, 'issuer'>, body: unknown): Subject {
  if (Object.keys(Object(body)).join() !== 'sub_id')
    throw invalidRequest('The body must be a JSON object with the one member "sub_id".')
  const identifier: Readonly<Record<string, unknown>> = Object((body as { sub_id: unknown }).sub_id)
  switch (identifier.format) {
    case 'iss_sub': {
      const [iss, sub] = textsOf(identifier, ['iss', 'sub'])
      if (iss !== issuer) throw notFound('user')
      return { id: sub }
    }
    case 'opaque': {
      const [id] = textsOf(identifier, ['id'])
      return { id }
    }
    case 'email': {
      const [email] = textsOf(identifier, ['email'])
      return { email }
    }
    default:
      throw invalidRequest('The format of "sub_id" must be iss_sub, opaque or email.')
  }
}

/** @throws OAuthError invalid_request */
function textsOf<const Names extends readonly string[]>(
  identifier: Readonly<Record<string, unknown>>,
  names: Names,
): { readonly [Index in keyof Names]: string } {
  const texts = names.map(name => identifier[name])
  const isWhole = Object.keys(identifier).length === names.length + 1
  if (!isWhole || !texts.every(text => typeof text === 'string'))
    throw invalidRequest(
      `A "sub_id" of this format has the members format, ${names.join(', ')}, which are texts.`,
    )
  return texts as { readonly [Index in keyof Names]: string }
}
