import type { Limits, Source } from '../limits/limits.ts'
import type { Service } from '../services/findService.ts'
import type { Services } from '../services/openServices.ts'
import type { Right } from '../services/rights.ts'
import { invalidClient, OAuthError } from './oauthError.ts'

/** What a service has shown. */
export interface Credentials {
  readonly secret: string
  /** By Basic: the name that must belong to the secret. */
  readonly name?: string
}

/**
 * The credentials of an Authorization header: `Bearer <secret>`, or Basic with the name and the secret.
 *
 * @returns undefined where none are sent; a header of another kind is wrong credentials
 */
export function readCredentials(authorization: string | undefined): Credentials | undefined {
  if (authorization === undefined) return undefined
  const [, scheme = '', value = ''] = /^(Bearer|Basic) +([^ ]+)$/i.exec(authorization) ?? []
  if (scheme.toLowerCase() !== 'basic') return { secret: value }
  const [, name = '', secret = ''] = /^([^:]*):(.*)$/s.exec(Buffer.from(value, 'base64').toString()) ?? []
  return { name: formDecoded(name), secret: formDecoded(secret) }
}

/** RFC 6749, 2.3.1: both are form-encoded before they are joined. */
function formDecoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return ''
  }
}

/**
 * The service that has shown its secret, if it may do what it asks for.
 *
 * @param source whose address a wrong secret is counted for
 * @throws OAuthError invalid_client, one for everything that can be wrong; insufficient_scope
 * @throws AuthError TOO_MANY_REQUESTS; the driver's error where the database does not answer
 */
export async function authenticateService(
  { limits, services }: { limits: Pick<Limits, 'wrongSecret'>; services: Pick<Services, 'find'> },
  source: Source,
  credentials: Credentials | undefined,
  right: Right,
): Promise<Service> {
  if (credentials === undefined) throw invalidClient()
  const { secret, name } = credentials
  const service = await services.find(secret)
  if (service === undefined || (name !== undefined && name !== service.name)) {
    limits.wrongSecret(source)
    throw invalidClient()
  }
  if (!service.rights.includes(right))
    throw new OAuthError(403, 'insufficient_scope', `This service does not have the right "${right}".`)
  return service
}
