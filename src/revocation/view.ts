import type { Reason } from '../errors.ts'

/** A row of the log of revocations (database/tables.ts): what it killed, and why. */
export interface Revocation {
  readonly kind: 'session' | 'user' | 'everyone' | 'key'
  /** The id of the session, the user or the signing key. */
  readonly subject?: string | undefined
  /** user: the lowest token version that is still accepted; everyone: the lowest epoch. */
  readonly minVersion?: number | undefined
  readonly reason: Reason
  /** Milliseconds since 1970, by the database's clock. */
  readonly revokedAt: number
}

/** The claims of an access token that decide whether it was revoked. */
export interface RevocableClaims {
  readonly sub: string
  /** null: the token belongs to no session of Annul's (tokens/formerTokens.ts). */
  readonly sid: string | null
  readonly ver: number
  readonly epoch: number
}

/**
 * How long an entry matters. An access token lives 3,600 s at most from the statement that read its versions, and a
 * transaction that revokes ends within 30 s of `revokedAt`: no token that an entry kills outlives it by more than
 * 3,630 s. The rest is a margin for clocks that were read a little apart.
 */
export const revocationKeptMs = 3_720_000

/** Asked before the signature of a token is looked at: whatever a revoked key has signed proves nothing. */
export interface RevokedKeys {
  isKeyRevoked(kid: string): boolean
  /** How many keys are revoked: what was verified before this number rose is to be verified anew. */
  readonly revokedKeys: number
}

/** What is remembered of a user or a session. Equal marks are one object: an entry costs its key and a pointer. */
interface Mark {
  readonly minVersion: number
  readonly reason: Reason
  /** By the database's clock, rounded up to the minute. */
  readonly forgetAt: number
}

const minuteMs = 60_000
/** How many old entries each `apply` looks at, besides two for each entry that it adds. */
const sweptPerCall = 1000
/** Upper bound: minutes kept x reasons x usual versions. */
const rememberedMarks = 10_000

/**
 * What one node knows of the log: user -> lowest accepted version, session -> ended, epoch, revoked signing keys.
 *
 * Entries only ever raise what is refused, and the highest version wins whatever the order: applying a row twice,
 * late, or between newer ones changes nothing. So readings may overlap, and a reconnected node may read all again.
 *
 * The view does not know whether it is up to date: the follower does (follow.ts).
 */
export class RevocationView implements RevokedKeys {
  readonly #users = new Map<string, Mark>()
  readonly #sessions = new Map<string, Mark>()
  /** Kept for ever: whoever has a key can sign new tokens with it for ever. */
  readonly #keys = new Set<string>()
  readonly #listeners = new Set<(revocations: readonly Revocation[]) => void>()
  readonly #sweeps = [sweep(this.#users), sweep(this.#sessions)]
  #epoch = 0
  #marks = new Map<string, Mark>()

  /**
   * Why a token with these claims is refused; undefined: it is accepted. Its signature and its times were checked
   * before.
   *
   * A version above the one known here was issued after a kill that has not arrived yet: the token is accepted. The
   * comparisons are written so that a claim that is no number is refused.
   */
  verdict(claims: RevocableClaims): Reason | undefined {
    if (!(claims.epoch >= this.#epoch)) return 'EVERYTHING_REVOKED'
    const user = this.#users.get(claims.sub)
    if (user !== undefined && !(claims.ver >= user.minVersion)) return user.reason
    return claims.sid === null ? undefined : this.#sessions.get(claims.sid)?.reason
  }

  /**
   * Adds rows of the log, and forgets some whose time is over.
   *
   * @param databaseMs the database's time; without it nothing is forgotten
   */
  apply(revocations: readonly Revocation[], databaseMs?: number): void {
    const changes = revocations.filter(revocation => this.#add(revocation))
    // For each new entry, two old ones are looked at: so the expired entries never outnumber the others.
    if (databaseMs !== undefined)
      for (const forget of this.#sweeps) forget(databaseMs, sweptPerCall + 2 * revocations.length)
    if (changes.length > 0) for (const listener of this.#listeners) listener(changes)
  }

  /**
   * Calls the listener within each `apply` that changed something, with the rows that did: before any mutation that
   * waits for these rows returns.
   *
   * @returns a function that ends the calls
   */
  subscribe(listener: (revocations: readonly Revocation[]) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  isKeyRevoked(kid: string): boolean {
    return this.#keys.has(kid)
  }

  get revokedKeys(): number {
    return this.#keys.size
  }

  /**
   * Everything that is held, for whoever begins to follow this view. What is applied meanwhile may be left out: the
   * listeners are told of it.
   */
  *entries(): Generator<Revocation> {
    if (this.#epoch > 0)
      yield { kind: 'everyone', minVersion: this.#epoch, reason: 'EVERYTHING_REVOKED', revokedAt: 0 }
    for (const subject of this.#keys) yield { kind: 'key', subject, reason: 'KEY_REVOKED', revokedAt: 0 }
    for (const [kind, marks] of [
      ['user', this.#users],
      ['session', this.#sessions],
    ] as const)
      for (const [subject, { minVersion, reason, forgetAt }] of marks)
        yield { kind, subject, minVersion, reason, revokedAt: forgetAt - revocationKeptMs }
  }

  /** How many entries are held, for metrics. */
  get size(): { users: number; sessions: number } {
    return { users: this.#users.size, sessions: this.#sessions.size }
  }

  /** @returns whether the view refuses more than before */
  #add(revocation: Revocation): boolean {
    const { kind, subject, minVersion: version = 0 } = revocation
    if (kind === 'everyone') {
      const isHigher = version > this.#epoch
      if (isHigher) this.#epoch = version
      return isHigher
    }
    if (subject === undefined) return false
    if (kind === 'key') {
      const isNew = !this.#keys.has(subject)
      this.#keys.add(subject)
      return isNew
    }
    const marks = kind === 'user' ? this.#users : this.#sessions
    const known = marks.get(subject)
    if (known !== undefined && known.minVersion >= version) return false
    marks.set(subject, this.#mark(revocation, version))
    return true
  }

  #mark({ reason, revokedAt }: Revocation, minVersion: number): Mark {
    const forgetAt = Math.ceil((revokedAt + revocationKeptMs) / minuteMs) * minuteMs
    const name = `${reason} ${minVersion} ${forgetAt}`
    const known = this.#marks.get(name)
    if (known !== undefined) return known
    const mark = { minVersion, reason, forgetAt }
    if (this.#marks.size >= rememberedMarks) this.#marks = new Map()
    this.#marks.set(name, mark)
    return mark
  }
}

/** Visits all entries again and again, a few a call. An iterator of a Map stays valid while the map changes. */
function sweep(entries: Map<string, Mark>): (databaseMs: number, count: number) => void {
  let rest = entries.entries()
  return (databaseMs, count) => {
    for (let looked = 0; looked < count; looked++) {
      const next = rest.next()
      if (next.done) {
        rest = entries.entries()
        return
      }
      const [subject, mark] = next.value
      if (mark.forgetAt <= databaseMs) entries.delete(subject)
    }
  }
}
