import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import fastifyJwt from '@fastify/jwt'
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { sql } from 'drizzle-orm'
import { createVerifier, type DecodedJwt } from 'fast-jwt'
import Fastify from 'fastify'
import buildGetJwks from 'get-jwks'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { rotateKeys } from '../../src/admin/rotateKeys.ts'
import { signingAlgorithms } from '../../src/tokens/keySet.ts'
import { freePort } from '../support/freePort.js'
import { startTestServer, type TestServer } from '../support/server.ts'
import { until } from '../support/until.ts'

/*
 * Services that verify by the JWKS, each with a library as its README shows. They do not know what was revoked: that is
 * what `annul/verify` is for.
 */

// The machine may have other things to do.
jest.setTimeout(180_000)

/** The `sub` of a token that is accepted. A promise that rejects: it is refused. */
type Verify = (token: string) => Promise<string | undefined>

/** Members of a header or of claims. */
type Named = Readonly<Record<'kid' | 'alg' | 'iss', string>>

const closing: (() => unknown)[] = []

/** Asks a service, which answers the `sub`. */
const askAt =
  (url: string): Verify =>
  async token => {
    const answer = await fetch(url, { headers: { authorization: `Bearer ${token}`, connection: 'close' } })
    if (answer.status !== 200) throw new Error(`${answer.status} ${await answer.text()}`)
    return answer.text()
  }

const libraries: Record<string, (issuer: string, algorithm: 'ES256' | 'RS256' | 'PS256') => Promise<Verify>> =
  {
    async jose(issuer) {
      const keys = createRemoteJWKSet(new URL(`${issuer}/.well-known/jwks.json`))
      return async token => {
        const { payload } = await jwtVerify(token, keys, { issuer, audience: 'annul', typ: 'at+jwt' })
        return payload.sub
      }
    },

    async 'fast-jwt with get-jwks'(issuer) {
      const getJwks = buildGetJwks({ issuersWhitelist: [issuer] })
      const verify = createVerifier({
        key: async ({ header }: DecodedJwt) =>
          getJwks.getPublicKey({ kid: header.kid, alg: header.alg, domain: issuer }),
        allowedIss: issuer,
        allowedAud: 'annul',
      })
      return async token => (await verify(token)).sub
    },

    async '@fastify/jwt with get-jwks'(issuer) {
      const app = Fastify()
      const getJwks = buildGetJwks({ issuersWhitelist: [issuer] })
      await app.register(fastifyJwt, {
        decode: { complete: true },
        secret: (async (_request: unknown, { header, payload }: { header: Named; payload: Named }) =>
          getJwks.getPublicKey({ kid: header.kid, alg: header.alg, domain: payload.iss })) as never,
      })
      app.addHook('onRequest', async request => {
        await request.jwtVerify()
      })
      app.get('/', async request => (request.user as { sub: string }).sub)
      const url = await app.listen({ port: 0, host: '127.0.0.1' })
      closing.push(() => app.close())
      return askAt(url)
    },

    async 'express-jwt with jwks-rsa'(issuer, algorithm) {
      const script = fileURLToPath(new URL('../support/expressJwtService.js', import.meta.url))
      const service = spawn(process.execPath, [script, issuer, algorithm], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      closing.push(() => service.kill())
      const [line] = await once(service.stdout, 'data')
      return askAt(String(line).trim())
    },
  }

const kidOf = (token: string) =>
  JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()).kid as string

describe.each(signingAlgorithms)('tokens of a key for %s', algorithm => {
  let server: TestServer
  let issuer: string
  beforeAll(async () => {
    const port = await freePort()
    issuer = `http://127.0.0.1:${port}`
    server = await startTestServer({
      env: { PORT: String(port), ANNUL_ISSUER: issuer, ANNUL_SIGNING_ALGORITHM: algorithm },
    })
  })
  afterEach(() => {
    jest.restoreAllMocks()
  })
  afterAll(async () => {
    for (const close of closing.splice(0)) await close()
    await server.close()
  })

  it.each(Object.keys(libraries))('are verified by %s, and across a rotation', async name => {
    const verify = await libraries[name]?.(issuer, algorithm)
    if (verify === undefined) throw new Error('There is no such library.')
    const account = await server.signUp()
    expect(await verify(account.accessToken)).toBe(account.userId)

    // A minute goes by: jose asks for keys at most every 30 s, and a new key is announced for twice as long.
    const kid = await rotateKeys(server.auth.parts)
    await server.rows(sql`update annul.signing_keys set
      signs_from = signs_from - interval '61 seconds', retired_at = retired_at - interval '61 seconds'`)
    const { now } = Date
    jest.spyOn(Date, 'now').mockImplementation(() => now() + 61_000)
    await until(async () => {
      await server.auth.parts.keys.reload()
      return server.auth.parts.keys.current().kid === kid
    })
    const { accessToken } = await server.login(account)
    expect(kidOf(accessToken)).toBe(kid)
    for (const token of [accessToken, account.accessToken]) {
      expect(await verify(token)).toBe(account.userId)
      await expect(verify(`${token.slice(0, -8)}AAAAAAAA`)).rejects.toThrow()
    }
  })
})
