import type { IncomingMessage } from 'node:http'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { OpenedAuth } from '../auth.ts'
import { relyingParty } from '../factors/relyingParty.ts'
import { metadataOf } from '../oauth/metadata.ts'

export const jwksPath = '/.well-known/jwks.json'
export const metadataPath = '/.well-known/oauth-authorization-server'
export const relatedOriginsPath = '/.well-known/webauthn'

/** For answers that everybody may read, pages of any origin too. */
export const readableByAll = { 'access-control-allow-origin': '*' }

/** What everybody may read: the keys, where everything is, and which origins may use the passkeys. */
export function addWellKnown(app: FastifyInstance, { parts }: OpenedAuth): void {
  // Verifiers elsewhere may keep the keys for a while: a new one is announced a minute before it signs.
  app.get(jwksPath, async (_request, reply) => {
    reply
      .headers({ ...readableByAll, 'cache-control': 'public, max-age=30' })
      .type('application/jwk-set+json')
    return parts.keys.jwks()
  })

  app.get(metadataPath, async (request, reply) => {
    const { publicUrl } = parts.config
    const base = publicUrl ?? baseOf(request)
    if (base === undefined) return reply.callNotFound()
    // A cache in between must not keep what the header Host of one client has made.
    if (publicUrl !== undefined) reply.header('cache-control', 'public, max-age=30')
    reply.headers(readableByAll)
    return metadataOf(parts, base)
  })

  // A browser asks at the RP ID for the origins beside its own (WebAuthn Level 3, 5.11): without cookies, and by no script.
  const { related } = relyingParty(parts.config)
  if (related.length > 0)
    app.get(relatedOriginsPath, async (_request, reply) => {
      reply.header('cache-control', 'public, max-age=30')
      return { origins: related }
    })

  // The preflight of a page that sends headers beside those that need none, such as those of a trace.
  for (const url of [jwksPath, metadataPath])
    app.options(url, async (_request, reply) =>
      reply
        .status(204)
        .headers({
          ...readableByAll,
          'access-control-allow-methods': 'GET',
          'access-control-allow-headers': '*',
          'access-control-max-age': '7200',
        })
        .send(),
    )
}

/**
 * The base that the client itself has used. Only the client is told it, so a forged Host misleads nobody but its sender.
 * Behind a proxy that changes it, ANNUL_PUBLIC_URL names the base.
 *
 * @returns undefined for a Host that could not stand in a URL
 */
function baseOf(request: FastifyRequest): string | undefined {
  const { host = '' } = request.headers
  return hostPattern.test(host) ? `${request.protocol}://${host}${prefixOf(request)}` : undefined
}

/** A name, an IPv4 address or an IPv6 address in brackets, and a port. */
const hostPattern = /^(?:[a-z0-9._-]{1,253}|\[[0-9a-f:.]{2,45}\])(?::\d{1,5})?$/i

/** What stands before Annul's own paths: of annulFastify's prefix, and of the path that annulExpress is mounted on. */
function prefixOf({ raw, url, originalUrl }: FastifyRequest): string {
  const { baseUrl = '' } = raw as IncomingMessage & { baseUrl?: string }
  return baseUrl + (originalUrl.endsWith(url) ? originalUrl.slice(0, -url.length) : '')
}
