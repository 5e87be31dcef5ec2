import { generateKeyPairSync, type KeyObject, randomBytes, randomUUID, sign } from 'node:crypto'
import { sql } from 'drizzle-orm'
import type { AcceptOptions } from '../../src/tokens/acceptOptions.ts'
import { encode, es256, type Forgery, hmac, type Signer, type Verdict } from './forge.ts'
import type { TestServer } from './server.ts'

export const formerIssuer = 'https://former.example.com'
export const formerAudience = 'shop'

/** The system before Annul: it signs tokens as it always did, and knows its users by numbers. */
export interface FormerSystem {
  readonly options: AcceptOptions
  /** What its tokens are verified with, which is public, unless the algorithm is HS256. */
  readonly publicKey: KeyObject | undefined
  readonly header: Readonly<Record<string, unknown>>
  readonly signer: Signer
  claims(now: number): Readonly<Record<string, unknown>>
}

export type FormerAlgorithm = 'HS256' | 'RS256' | 'ES256'

/** @param userOf which user of Annul's a token is about; default: the claim `sub` */
export function openFormerSystem(
  algorithm: FormerAlgorithm,
  options: Partial<AcceptOptions> = {},
): FormerSystem {
  const { key, publicKey, signer } = keysOf(algorithm)
  const { issuer = formerIssuer, audience = formerAudience } = options
  return {
    options: {
      algorithms: [algorithm],
      key,
      issuer,
      audience,
      subject: claims => String(claims.sub),
      until: new Date(Date.now() + 30 * day * 1000),
      ...options,
    },
    publicKey,
    header: { alg: algorithm, typ: 'JWT' },
    signer,
    claims: now => ({
      ...(issuer !== null && { iss: issuer }),
      ...(audience !== null && { aud: audience }),
      iat: now - hour,
      exp: now + 7 * day,
      // A former system may say what it likes: Annul's user decides.
      roles: ['admin'],
      scope: 'everything',
    }),
  }
}

export const hour = 3600
export const day = 24 * hour

function keysOf(algorithm: FormerAlgorithm) {
  if (algorithm === 'HS256') {
    const key = randomBytes(32)
    return { key, publicKey: undefined, signer: hmac('sha256', key) }
  }
  const { privateKey, publicKey } =
    algorithm === 'RS256'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const key = String(publicKey.export({ type: 'spki', format: 'pem' }))
  return { key, publicKey, signer: algorithm === 'RS256' ? rs256(privateKey) : es256(privateKey) }
}

export function rs256(key: KeyObject): Signer {
  return input => sign('sha256', Buffer.from(input), key)
}

/** One user's tokens of a former system, made by hand. */
export interface FormerForge {
  readonly system: FormerSystem
  readonly userId: string
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>>
  make(forgery?: Forgery): string
  present(token: string, node?: TestServer): Promise<Verdict>
  readonly accepted: Verdict
}

export function openFormerForge(server: TestServer, system: FormerSystem, userId: string): FormerForge {
  const claims = { ...system.claims(Math.floor(server.auth.parts.clock.now())), sub: userId }
  return {
    system,
    userId,
    header: system.header,
    claims,
    make({ header, claims: changed, signer } = {}) {
      const input = `${part(system.header, header)}.${part(claims, changed)}`
      return `${input}.${encode((signer ?? system.signer)(input))}`
    },
    async present(token, node = server) {
      const { status, data, errors, headers } = await node.send('{ me { id } }', { token })
      return { status, data, errors, challenge: headers.get('www-authenticate') }
    },
    accepted: { status: 200, data: { me: { id: userId } }, errors: undefined, challenge: null },
  }
}

function part(honest: object, change: Record<string, unknown> | string = {}): string {
  return typeof change === 'string' ? change : encode(JSON.stringify({ ...honest, ...change }))
}

/** Inserts a user as an import does: nothing is said about versions and epochs. @returns the user's id */
export async function importUser(server: TestServer, roles: readonly string[] = []): Promise<string> {
  const id = randomUUID()
  const email = `${id}@example.com`
  await server.rows(sql`
    insert into annul.users (id, email, email_key, roles)
    values (${id}, ${email}, ${email}, ${`{${roles.join()}}`}::text[])`)
  return id
}
