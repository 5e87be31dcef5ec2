import { randomBytes } from 'node:crypto'
import { betterAuth } from 'better-auth'
import { getMigrations } from 'better-auth/db/migration'
import { fromNodeHeaders } from 'better-auth/node'
import pg from 'pg'
import { peerCalls, startPeer } from '../support/peer.js'

/* better-auth as its documentation puts it into Fastify, its session read in Apollo's context. */

/** Its documentation caches for five minutes; longer here, so that no cookie runs out while it is measured. */
const cachedSeconds = 1800

/** @param settings DATABASE_URL, ANNUL_SECRET, cookieCache: whether it is enabled */
export async function start({ DATABASE_URL, ANNUL_SECRET: secret, cookieCache }) {
  const auth = betterAuth({
    database: new pg.Pool({ connectionString: DATABASE_URL, max: 10, application_name: 'betterAuth' }),
    secret,
    baseURL: origin,
    emailAndPassword: {
      enabled: true,
      // Passwords are not measured: without the hash, a thousand accounts are made at once.
      password: { hash: async password => password, verify: async () => true },
    },
    session: { cookieCache: { enabled: cookieCache === true, maxAge: cachedSeconds } },
    rateLimit: { enabled: false },
    telemetry: { enabled: false },
  })
  await (await getMigrations(auth.options)).runMigrations()

  const context = async request => {
    const session = await auth.api.getSession({ headers: fromNodeHeaders(request.headers) })
    return { user: session?.user ?? null }
  }

  const addRoutes = app =>
    app.route({
      method: ['GET', 'POST'],
      url: '/api/auth/*',
      async handler(request, reply) {
        const response = await auth.handler(
          new Request(new URL(request.url, origin), {
            method: request.method,
            headers: fromNodeHeaders(request.headers),
            ...(request.body && { body: JSON.stringify(request.body) }),
          }),
        )
        reply.status(response.status)
        response.headers.forEach((value, key) => {
          reply.header(key, value)
        })
        return reply.send(response.body ? await response.text() : null)
      },
    })

  const signIn = async () => {
    const name = randomBytes(8).toString('hex')
    const { headers } = await auth.api.signUpEmail({
      body: { name, email: `${name}@example.com`, password: `correct horse ${name}` },
      returnHeaders: true,
    })
    const cookies = headers.getSetCookie().map(cookie => cookie.split(';', 1)[0])
    return { cookie: cookies.join('; '), origin }
  }

  return { url: await startPeer({ context, addRoutes }), calls: peerCalls(signIn, signOut) }
}

const origin = 'http://localhost:3000'
const signOut = { path: '/api/auth/sign-out', body: '{}', expected: '{"success":true}' }
