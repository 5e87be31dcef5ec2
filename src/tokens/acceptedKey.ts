import { createPublicKey, createSecretKey, KeyObject } from 'node:crypto'
import { types } from 'node:util'
import { isRandomSecret } from '../settingValues.ts'
import type { AcceptedAlgorithm } from './acceptOptions.ts'
import { isObject } from './compactToken.ts'

/** The one kind of key that each algorithm may be used with. */
const kinds: Readonly<Record<AcceptedAlgorithm, string>> = {
  HS256: 'a secret',
  HS384: 'a secret',
  HS512: 'a secret',
  RS256: 'an RSA key',
  RS384: 'an RSA key',
  RS512: 'an RSA key',
  PS256: 'an RSA key',
  PS384: 'an RSA key',
  PS512: 'an RSA key',
  ES256: 'a P-256 key',
  ES384: 'a P-384 key',
  ES512: 'a P-521 key',
}

/** By the names that OpenSSL gives them. */
const curves: Readonly<Record<string, string>> = {
  prime256v1: 'a P-256 key',
  secp384r1: 'a P-384 key',
  secp521r1: 'a P-521 key',
}

const leastModulusBits = 2048

/**
 * Checks the algorithms and the key of `accept`, and that they are made for each other. A key that fits two kinds of
 * algorithms is what algorithm confusion needs: a public key is known to everybody, and must never serve as a secret.
 *
 * @throws TypeError, which never shows the key
 */
export function readAcceptedKey(
  algorithms: unknown,
  key: unknown,
): { readonly algorithms: ReadonlySet<unknown>; readonly key: KeyObject } {
  const names = Object.keys(kinds).join(', ')
  if (!Array.isArray(algorithms) || algorithms.length === 0)
    throw new TypeError(`accept: algorithms must be a list of at least one of ${names}.`)
  const wanted = new Set<string>()
  for (const algorithm of algorithms) {
    if (typeof algorithm !== 'string' || !Object.hasOwn(kinds, algorithm))
      throw new TypeError(`accept: ${JSON.stringify(algorithm)} is not an algorithm. There are ${names}.`)
    wanted.add(kinds[algorithm as AcceptedAlgorithm])
  }
  const [kind = '', another] = wanted
  if (another !== undefined)
    throw new TypeError(`accept: one key can not be ${kind} and ${another}. Call accept for each of them.`)
  const read = kind === 'a secret' ? readSecret(key) : readPublicKey(key)
  if (kindOf(read) !== kind)
    throw new TypeError(`accept: ${algorithms.join(', ')} needs ${kind}, and key is ${kindOf(read)}.`)
  return { algorithms: new Set(algorithms), key: read }
}

function readSecret(key: unknown): KeyObject {
  const bytes = secretBytes(key)
  // With an asymmetric key's text as the secret, everybody who knows the public key could sign.
  if (Buffer.from(bytes).includes('-----BEGIN '))
    throw new TypeError('accept: key is a PEM, which is no secret. HS256, HS384 and HS512 need the secret.')
  if (!isRandomSecret(bytes)) throw new TypeError('accept: key must be a secret of at least 32 random bytes.')
  return createSecretKey(bytes)
}

function secretBytes(key: unknown): Uint8Array {
  if (types.isUint8Array(key)) return key
  if (key instanceof KeyObject && key.type === 'secret') return key.export()
  if (isObject(key) && key.kty === 'oct' && typeof key.k === 'string') return Buffer.from(key.k, 'base64url')
  if (typeof key === 'string')
    throw new TypeError("accept: give a secret as bytes: Buffer.from(secret, 'utf8'), or 'base64'.")
  throw new TypeError(
    'accept: for HS256, HS384 and HS512, key must be the secret as bytes, JWK or KeyObject.',
  )
}

function readPublicKey(key: unknown): KeyObject {
  const wrong = new TypeError('accept: key must be a public key as PEM, JWK or KeyObject.')
  const isPem = typeof key === 'string' || types.isUint8Array(key)
  const isPrivate = isPem ? Buffer.from(key as string).includes('PRIVATE KEY') : isObject(key) && 'd' in key
  if (isPrivate || (key instanceof KeyObject && key.type === 'private'))
    throw new TypeError(
      'accept: key is a private key. Give the public half, which is all that verifying needs.',
    )
  const read = key instanceof KeyObject ? key : (parsePublicKey(key) ?? undefined)
  if (read === undefined || read.type !== 'public') throw wrong
  const bits = read.asymmetricKeyDetails?.modulusLength
  if (bits !== undefined && bits < leastModulusBits)
    throw new TypeError(`accept: key has ${bits} bits; an RSA key must have at least ${leastModulusBits}.`)
  return read
}

/** Undefined for everything that is no public key. What OpenSSL says about it could show a part of it. */
function parsePublicKey(key: unknown): KeyObject | undefined {
  try {
    if (typeof key === 'string' || types.isUint8Array(key)) return createPublicKey(Buffer.from(key as string))
    return isObject(key) ? createPublicKey({ key, format: 'jwk' }) : undefined
  } catch {
    return undefined
  }
}

function kindOf(key: KeyObject): string {
  if (key.type === 'secret') return 'a secret'
  if (key.asymmetricKeyType === 'rsa') return 'an RSA key'
  const curve = key.asymmetricKeyDetails?.namedCurve
  return (curve && curves[curve]) ?? `a key of ${curve ?? key.asymmetricKeyType}`
}
