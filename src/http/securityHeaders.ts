import helmet, { type FastifyHelmetOptions } from '@fastify/helmet'
import { type FastifyInstance, fastify } from 'fastify'
import { nothing } from './contentSecurityPolicy.ts'

/**
 * Gives every answer the headers of @fastify/helmet. They are the same for all, and helmet would write its policy anew
 * for each: it makes them once, for an answer of a server that nobody can reach.
 *
 * @param ownsHost whether Annul alone answers on its host
 */
export async function addSecurityHeaders(app: FastifyInstance, ownsHost: boolean): Promise<void> {
  const headers = await headersOfHelmet(securityHeaders(ownsHost))
  app.addHook('onRequest', (_request, reply, done) => {
    // Of a server around this one. helmet takes it away, too.
    reply.raw.removeHeader('x-powered-by')
    reply.headers(headers)
    done()
  })
}

async function headersOfHelmet(options: FastifyHelmetOptions): Promise<Record<string, string>> {
  const probe = fastify()
  await probe.register(helmet, options)
  probe.get('/', (_request, reply) => reply.send())
  const { headers } = await probe.inject('/')
  await probe.close()
  const ofFastify = new Set(['content-length', 'connection', 'date'])
  return Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => !ofFastify.has(name))
      .map(([name, value]) => [name, String(value)]),
  )
}

/**
 * The headers of every answer, for @fastify/helmet: no answer is a document that may load anything, be framed, or be
 * taken for another type.
 *
 * @param ownsHost whether Annul alone answers on its host, so that it may keep browsers to HTTPS there
 */
function securityHeaders(ownsHost: boolean): FastifyHelmetOptions {
  return {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: Object.fromEntries(Object.entries(nothing).map(([name, source]) => [name, [source]])),
    },
    frameguard: { action: 'deny' },
    referrerPolicy: { policy: 'no-referrer' },
    hsts: ownsHost && { maxAge: 31_536_000, includeSubDomains: false },
    // These are about documents of other kinds, and about browsers that are gone.
    dnsPrefetchControl: false,
    ieNoOpen: false,
    permittedCrossDomainPolicies: false,
    xssFilter: false,
  }
}
