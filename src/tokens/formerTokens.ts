import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import { types } from 'node:util'
import type { Config } from '../config.ts'
import type { Reason } from '../errors.ts'
import { isId } from '../input/id.ts'
import type { Log } from '../log.ts'
import { nearest } from '../names.ts'
import { readAcceptedKey } from './acceptedKey.ts'
import type { AcceptedAlgorithm, AcceptOptions } from './acceptOptions.ts'
import { checkSignature, leewaySeconds } from './accessToken.ts'
import { isObject, type JsonObject, readHeader, readUnverifiedClaims } from './compactToken.ts'

/*
 * Tokens of the system before Annul. They stay good until they expire, and are never exchanged for Annul's own. Each
 * verification ends with the id of a user; whether that user was killed since is decided by the caller, on the primary.
 *
 * A token is one system's alone. Annul's own tokens carry Annul's issuer, which `accept` refuses, and are verified
 * before; so neither kind can pass for the other, whatever key the former system has.
 */

/** What an authentic token of a former system says. Nothing else of its claims is believed. */
export interface FormerToken {
  readonly userId: string
  /** Empty where the former system's tokens have none. */
  readonly issuer: string
  readonly audience: string
  /** Seconds; the earlier of the token's own end and `until`. */
  readonly exp: number
  /** Seconds; 0 where the token does not say it. */
  readonly iat: number
  readonly authTime: number
}

/** @internal */
export interface FormerTokens {
  /** @throws TypeError for options that are wrong or not safe */
  accept(options: AcceptOptions): void
  /** What the token says, or why it is refused; undefined where it is no former system's. The user is not looked at. */
  verify(token: string): FormerToken | Reason | undefined
}

interface System {
  readonly algorithms: ReadonlySet<unknown>
  readonly key: KeyObject
  readonly issuer: string | null
  readonly audience: string | null
  readonly subject: (claims: JsonObject) => unknown
  /** Seconds. */
  readonly until: number
}

/** More than Annul's own may have, because other systems put more into their tokens. Node reads headers up to 16 kB. */
const maxBytes = 8192

/** @param options.now database time in seconds */
export function formerTokens(options: {
  config: Pick<Config, 'issuer' | 'bind'>
  /** Annul's own public keys. */
  ownKeys: () => readonly JsonWebKey[]
  now: () => number
  log: Log
}): FormerTokens {
  const { config, ownKeys, now, log } = options
  const systems: System[] = []

  const userOf = (system: System, claims: JsonObject): string | undefined => {
    try {
      return readUserId(system.subject(claims))
    } catch (error) {
      log.error(
        { err: error },
        "The subject function of accept failed, so a former system's token is refused.",
      )
      return undefined
    }
  }

  return {
    accept(options) {
      const system = readSystem(options)
      if (system.issuer === config.issuer)
        throw new TypeError("accept: issuer is Annul's own. Give Annul another one (ANNUL_ISSUER).")
      if (ownKeys().some(key => createPublicKey({ key, format: 'jwk' }).equals(system.key)))
        throw new TypeError("accept: key is one of Annul's own. Its tokens need no accept.")
      if (config.bind !== 'none')
        throw new TypeError(
          "accept: ANNUL_BIND asks for tokens that are bound, and a former system's tokens are not.",
        )
      if (system.until <= now())
        log.warn({ until: options.until }, 'accept: until has passed, so none of these tokens is accepted.')
      systems.push(system)
    },

    verify(token) {
      if (systems.length === 0) return undefined
      const header = readHeader(token, maxBytes)
      const unverified = header && readUnverifiedClaims(token)
      if (header === undefined || unverified === undefined) return undefined
      const candidates = systems.filter(({ issuer }) => issuer === (unverified.iss ?? null))
      for (const system of candidates) {
        const claims = authenticate(token, header, system)
        if (claims === undefined) continue
        const times = readTimes(claims, system.until, now())
        if (typeof times === 'string') return times
        const userId = userOf(system, claims)
        if (userId === undefined) return 'TOKEN_INVALID'
        const { issuer, audience } = system
        return { userId, issuer: issuer ?? '', audience: audience ?? '', ...times }
      }
      return candidates.length > 0 ? 'TOKEN_INVALID' : undefined
    },
  }
}

/** The claims of a token that this system signed for this audience. Times are not looked at. */
function authenticate(token: string, header: JsonObject, system: System): JsonObject | undefined {
  const { algorithms, key, issuer, audience } = system
  // RFC 7515, 4.1.11: an extension that is not understood. None is. Keys in the header are not looked at.
  if (!algorithms.has(header.alg) || 'crit' in header) return undefined
  const claims = checkSignature(token, key, header.alg as AcceptedAlgorithm)
  if (!isObject(claims) || (claims.iss ?? null) !== issuer) return undefined
  const isMeant = Array.isArray(claims.aud)
    ? audience !== null && claims.aud.includes(audience)
    : (claims.aud ?? null) === audience
  return isMeant ? claims : undefined
}

function readTimes(
  claims: JsonObject,
  until: number,
  time: number,
): Pick<FormerToken, 'exp' | 'iat' | 'authTime'> | Reason {
  const { exp, nbf = 0, iat = 0, auth_time: authTime = iat } = claims
  if (!isTime(exp) || !isTime(nbf) || !isTime(iat) || !isTime(authTime)) return 'TOKEN_INVALID'
  if (Math.max(nbf, iat, authTime) > time + leewaySeconds) return 'TOKEN_INVALID'
  const end = Math.min(exp, until)
  return end > time ? { exp: end, iat, authTime } : 'TOKEN_EXPIRED'
}

/** RFC 7519, 2: seconds since 1970, which may have fractions. */
function isTime(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER
}

/** @throws TypeError for anything but a UUID or nothing */
function readUserId(subject: unknown): string | undefined {
  if (subject === undefined || subject === null) return undefined
  if (types.isPromise(subject)) {
    // Otherwise its rejection would end the process.
    subject.catch(() => {})
    throw new TypeError('subject returned a promise. It must return the id of a user at once.')
  }
  if (typeof subject !== 'string' || !isId(subject))
    throw new TypeError('subject returned something that is no UUID.')
  return subject.toLowerCase()
}

const optionNames = ['algorithms', 'key', 'issuer', 'audience', 'subject', 'until']

/** @throws TypeError */
function readSystem(options: AcceptOptions): System {
  if (!isObject(options)) throw new TypeError('accept: expected an object of options.')
  for (const name of Object.keys(options))
    if (!optionNames.includes(name))
      throw new TypeError(
        `accept: ${name} is not an option. The nearest name is ${nearest(name, optionNames)}.`,
      )
  const { subject, until } = options
  if (typeof subject !== 'function')
    throw new TypeError('accept: subject must be a function from the claims to the id of a user.')
  if (!types.isDate(until) || Number.isNaN(until.getTime()))
    throw new TypeError('accept: until must be a Date that is valid.')
  return {
    ...readAcceptedKey(options.algorithms, options.key),
    issuer: readName('issuer', options.issuer),
    audience: readName('audience', options.audience),
    subject,
    until: until.getTime() / 1000,
  }
}

/** @throws TypeError for undefined, too: a setting that was forgotten must not let every issuer pass */
function readName(option: string, value: unknown): string | null {
  if (value === null || (typeof value === 'string' && value !== '')) return value
  throw new TypeError(`accept: ${option} must be a text, or null where the tokens have none.`)
}
