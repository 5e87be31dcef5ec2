import { createQueue } from '../platform/lock.ts'
import { platform } from '../platform/platform.ts'
import { openStorage, type SessionStorage } from '../platform/storage.ts'
import { hex } from '../platform/text.ts'
import type { Tokens } from '../types.ts'
import type { Attempts } from './attempts.ts'

/** The refresh token that this browser or app has now. */
export interface StoredToken {
  /** Names the token without being it: its SHA-256, or the cookie's `sessionId.generation`. */
  readonly tokenName: string
  /** The token. Undefined in cookie mode, where no script can read it. */
  readonly token?: string
}

/** What of new tokens is kept, or says which session the cookie must name. */
export type Kept = Pick<Tokens, 'refreshToken'> & Partial<Pick<Tokens, 'session'>>

/** Where the refresh token is. What all tabs share, so every change compares with what is there. */
export interface TokenStore {
  readonly cookie: boolean
  read(): Promise<StoredToken | undefined>
  /**
   * @param from what was refreshed; undefined for a login, which takes the place of whatever was there
   * @returns undefined, and nothing changed, when `from` is no longer there: a logout or another login came first
   */
  put(tokens: Kept, from?: StoredToken): Promise<StoredToken | undefined>
  /** Takes away `stored`, or with undefined whatever is there, and returns it. */
  end(stored?: StoredToken): Promise<StoredToken | undefined>
}

/** The refresh token as a value in the given storage. Errors of the storage pass: they say nothing about the session. */
export function storeInStorage(storage: SessionStorage, key: string): TokenStore {
  const items = openStorage(storage)
  const name = `${key}.token`
  const queue = createQueue(storage)
  const named = async (token: string | null | undefined) =>
    token ? { tokenName: await nameOf(token), token } : undefined
  const read = async () => named(await items.get(name))

  return {
    cookie: false,
    read,
    put: ({ refreshToken }, from) =>
      queue(async () => {
        if (!refreshToken || (from && (await items.get(name)) !== from.token)) return undefined
        await items.set(name, refreshToken)
        return named(refreshToken)
      }),
    end: expected =>
      queue(async () => {
        const present = await read()
        if (!present || (expected && expected.tokenName !== present.tokenName)) return undefined
        await items.remove(name)
        return present
      }),
  }
}

/**
 * SHA-256, so that the attempts outlive a token without keeping it. Where there is none, attempts and tokens are in one
 * storage anyway, and the token may stand for itself.
 */
async function nameOf(token: string): Promise<string> {
  const digest = await platform.crypto?.subtle?.digest('SHA-256', new TextEncoder().encode(token))
  return digest ? hex(new Uint8Array(digest)) : token
}

/**
 * The refresh token in a HttpOnly cookie. Of it the client knows what the readable cookie beside it says, and it never
 * writes either: a session that has ended is remembered as such instead, because a late deletion would hit a newer login.
 */
export function storeInCookie(attempts: Attempts): TokenStore {
  const mark = (sessionId: string) => `ended.${sessionId}`
  /** For as long as the mark is not written: a logout counts from the moment it is asked for. */
  const ended = new Set<string>()

  const look = () => {
    const [, tokenName, sessionId] =
      /(?:^|; )__Host-annul-session=(([^.;]+)[^;]*)/.exec(platform.document?.cookie ?? '') ?? []
    return tokenName && sessionId && !ended.has(sessionId) ? { tokenName, sessionId } : undefined
  }
  const read = async () => {
    const present = look()
    return present && !(await attempts.find(mark(present.sessionId))) ? present : undefined
  }

  return {
    cookie: true,
    read,
    /** The browser has set the cookies before the answer reaches us; unless another tab's answer came after it. */
    async put({ session }) {
      const stored = await read()
      return stored?.sessionId === session?.id ? stored : undefined
    },
    async end(expected) {
      const present = look()
      if (!present || (expected && expected.tokenName !== present.tokenName)) return undefined
      ended.add(present.sessionId)
      await attempts.claim(mark(present.sessionId))
      return present
    },
  }
}
