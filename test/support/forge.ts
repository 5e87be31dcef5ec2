import { constants, createHmac, type KeyObject, sign } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import type { AccessClaims } from '../../src/tokens/accessClaims.ts'
import { createVerifier, redis, type Verifier } from '../../src/verify/index.ts'
import { startRedis, type TestRedis } from './redis.ts'
import type { TestServer } from './server.ts'
import { openVerifier, silent, verdictOf } from './verifier.ts'

/** Makes the signature over header and claims, which stand before the second dot. */
export type Signer = (input: string) => Uint8Array

export interface Forgery {
  /** Members that replace those of an honest header; undefined removes a member. A string replaces the whole part. */
  readonly header?: Record<string, unknown> | string
  readonly claims?: Record<string, unknown> | string
  /** Default: the server's own key, so that only the changed header or claims can be the reason of a refusal. */
  readonly signer?: Signer
}

export interface Forge {
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: AccessClaims
  /** The public half of the signing key, which every attacker has. */
  readonly publicKey: KeyObject
  make(forgery?: Forgery): string
  /** Sends the token. @returns the answer of the server */
  present(token: string): Promise<Verdict>
  /** The answer to an honest token. */
  readonly accepted: Verdict
  /** The node that the tokens are for. */
  readonly server: ForgedServer
}

type ForgedServer = Pick<TestServer, 'auth' | 'send' | 'url'>

export interface Verdict {
  readonly status: number
  readonly data: unknown
  readonly errors: unknown
  readonly challenge: string | null
}

const ps256 =
  (key: KeyObject): Signer =>
  input =>
    sign('sha256', Buffer.from(input), {
      key,
      padding: constants.RSA_PKCS1_PSS_PADDING,
      saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
    })

/** Makes tokens by hand, because jsonwebtoken refuses to make most of the forgeries that it accepts. */
export function openForge(server: ForgedServer, honest: string): Forge {
  const { keys } = server.auth.parts
  const { kid, privateKey } = keys.current()
  const publicKey = keys.find(kid)?.publicKey
  if (publicKey === undefined) throw new Error('The signing key has no public half.')
  const [header, claims] = honest.split('.', 2).map(part => JSON.parse(decode(part)))
  return {
    header,
    claims,
    publicKey,
    server,
    make(forgery = {}) {
      const input = `${part(header, forgery.header)}.${part(claims, forgery.claims)}`
      const signer = forgery.signer ?? (header.alg === 'PS256' ? ps256(privateKey) : es256(privateKey))
      return `${input}.${encode(signer(input))}`
    },
    async present(token) {
      const { status, data, errors, headers } = await server.send('{ me { id } }', { token })
      return { status, data, errors, challenge: headers.get('www-authenticate') }
    },
    accepted: { status: 200, data: { me: { id: claims.sub } }, errors: undefined, challenge: null },
  }
}

/** The whole answer to a `{ me { id } }` whose token was refused. */
export function refusal(
  reason = 'TOKEN_INVALID',
  message = 'The token is not valid.',
  recover = 'LOGIN',
): Verdict {
  const error = {
    message,
    locations: [{ line: 1, column: 3 }],
    path: ['me'],
    extensions: { code: 'UNAUTHENTICATED', reason, recover },
  }
  const detail = reason === 'TOKEN_MISSING' ? '' : `, error="invalid_token", error_description="${message}"`
  return { status: 401, data: null, errors: [error], challenge: `Bearer realm="annul"${detail}` }
}

/**
 * Declares a test for each forgery. All get one and the same answer, which tells no attacker what was found; from
 * verifiers, too: from one that follows the node, and from one that reads Redis.
 */
export function refuses<F extends Pick<Forge, 'present'> & Partial<Pick<Forge, 'server' | 'make'>>>(
  forge: () => F,
  forgeries: Record<string, (forge: F) => string[]>,
): void {
  const verifiers: Verifier[] = []
  let mirror: TestRedis | undefined
  beforeAll(async () => {
    const { server, make } = forge()
    if (server === undefined || make === undefined) return
    mirror = await startRedis()
    verifiers.push(await openVerifier([server]), await readerOf(server, mirror))
    // Otherwise a verifier that refuses everything would pass.
    expect(await verdicts(verifiers, make())).toEqual(['accepted', 'accepted'])
  })
  afterAll(async () => {
    await Promise.all(verifiers.map(verifier => verifier.close()))
    await mirror?.close()
  })
  it.each(Object.entries(forgeries))('refuses %s', async (_, make) => {
    const tokens = make(forge())
    const answers = await Promise.all(tokens.map(async token => [token, await forge().present(token)]))
    expect(answers).toEqual(tokens.map(token => [token, refusal()]))
    const decisions = await Promise.all(tokens.map(token => verdicts(verifiers, token)))
    expect(decisions).toEqual(tokens.map(() => verifiers.map(() => 'TOKEN_INVALID')))
  })
}

/** A verifier that reads a Redis, which no node keeps up to date: nothing is revoked, and it may be believed. */
async function readerOf(server: ForgedServer, mirror: TestRedis): Promise<Verifier> {
  const { issuer, audience } = server.auth.parts.config
  await mirror.command('SET', '{annul}:fresh', String(Date.now()))
  const verifier = createVerifier({
    revocations: redis(words => mirror.command(...words)),
    keys: `${server.url}/.well-known/jwks.json`,
    issuer,
    audience,
    log: silent,
  })
  await verifier.ready
  return verifier
}

function verdicts(verifiers: readonly Verifier[], token: string): Promise<string[]> {
  return Promise.all(verifiers.map(async verifier => verdictOf(await verifier.decide(token))))
}

/** ECDSA in the encoding of JWTs (two numbers side by side), or in DER. */
export function es256(key: KeyObject, dsaEncoding: 'ieee-p1363' | 'der' = 'ieee-p1363'): Signer {
  return input => sign('sha256', Buffer.from(input), { key, dsaEncoding })
}

export function hmac(hash: 'sha256' | 'sha384' | 'sha512', secret: string | Uint8Array): Signer {
  return input => createHmac(hash, secret).update(input).digest()
}

export function encode(value: string | Uint8Array): string {
  return Buffer.from(value).toString('base64url')
}

export function decode(part: string): string {
  return Buffer.from(part, 'base64url').toString()
}

/** Another spelling of the same bytes: the last character carries two or four bits that decoders ignore. */
export function respell(part: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const respelt = part.slice(0, -1) + alphabet[alphabet.indexOf(part.slice(-1)) + 1]
  if (!Buffer.from(respelt, 'base64url').equals(Buffer.from(part, 'base64url')))
    throw new Error('Every bit of this part is read.')
  return respelt
}

function part(honest: object, change: Record<string, unknown> | string = {}): string {
  return typeof change === 'string' ? change : encode(JSON.stringify({ ...honest, ...change }))
}
