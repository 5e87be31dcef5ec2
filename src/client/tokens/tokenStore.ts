import { createQueue } from '../platform/lock.ts'
import { platform } from '../platform/platform.ts'
import { openStorage, type SessionStorage } from '../platform/storage.ts'
import { encode, hex } from '../platform/text.ts'
import type { SignedOutReason, Tokens } from '../types.ts'
import type { Attempts } from './attempts.ts'
import type { LocalState } from './localState.ts'

/** The refresh token that this browser or app has now. */
export interface StoredToken {
  /** Identifies the token without revealing it: the token's SHA-256, or the cookie's `sessionId.generation`. */
  readonly tokenName: string
  /** The token. Undefined in cookie mode, where no script can read it. */
  readonly token?: string
}

/** Kept in the place of a token whose session has ended, so that every tab tells the same reason. */
export interface EndedSession {
  readonly reason: SignedOutReason
  /** Empty or undefined if the tab that learned of the end did not know the id. */
  readonly sessionId: string | undefined
}

/** A token, or the reason of an end. Neither: nobody was signed in, or the user has signed out. */
export interface StoredState extends Partial<EndedSession> {
  readonly stored?: StoredToken | undefined
}

/** The place of the refresh token. All tabs share it, so every change first compares with the present content. */
export interface TokenStore {
  readonly cookie: boolean
  read(): Promise<StoredState>
  /**
   * @param from the token that was refreshed; undefined for a login, which replaces any content
   * @returns the new token; undefined, and nothing changed, if `from` is gone: a logout or another login came first
   */
  put(
    tokens: Pick<Tokens, 'refreshToken'> & Partial<Pick<Tokens, 'session'>>,
    from?: StoredToken,
  ): Promise<StoredToken | undefined>
  /**
   * Removes the token, and keeps the reason in its place.
   *
   * @param expected the token to remove; undefined for any token
   * @returns the removed token; undefined, and nothing changed, if the token was gone
   */
  end(reason: SignedOutReason, expected?: StoredToken): Promise<StoredToken | undefined>
}

/** The refresh token as a value in the given storage. Errors of the storage are thrown on, and never end the session. */
export function storeInStorage(storage: SessionStorage, key: string, local: LocalState): TokenStore {
  const items = openStorage(storage)
  const name = `${key}.token`
  const queue = createQueue(storage)
  const read = async (): Promise<StoredState> => {
    const text = await items.get(name)
    const [, reason, sessionId] = /^ended:(\w+):(.*)/.exec(text ?? '') ?? []
    if (reason) return { reason: reason as SignedOutReason, sessionId }
    return { stored: text ? await describeToken(text) : undefined }
  }

  return {
    cookie: false,
    read,
    put: ({ refreshToken }, from) =>
      queue(async () => {
        if (!refreshToken || (from && (await items.get(name)) !== from.token)) return undefined
        await items.set(name, refreshToken)
        return describeToken(refreshToken)
      }),
    end(reason, expected) {
      const { sessionId = '' } = local
      return queue(async () => {
        const { stored } = await read()
        if (!stored || (expected && expected.tokenName !== stored.tokenName)) return undefined
        // An empty place means that the user has signed out.
        if (reason === 'LOGGED_OUT') await items.remove(name)
        else await items.set(name, `ended:${reason}:${sessionId}`)
        return stored
      })
    },
  }
}

/**
 * The name is the token's SHA-256, so that the list of attempts does not contain tokens. Without crypto.subtle the token
 * is its own name: there the attempts are in the same storage as the token anyway.
 */
async function describeToken(token: string): Promise<StoredToken> {
  const digest = await platform.crypto?.subtle?.digest('SHA-256', encode(token))
  return { tokenName: digest ? hex(new Uint8Array(digest)) : token, token }
}

/**
 * The refresh token in a HttpOnly cookie. The client reads the readable cookie beside it, and writes neither. The end of
 * a session is recorded among the attempts instead: deleting the cookies late would delete those of a newer login.
 */
export function storeInCookie(attempts: Attempts, local: LocalState): TokenStore {
  const recordName = (sessionId: string) => `ended.${sessionId}`
  /** Reasons by session until the record is written: a session counts as ended from the call of `end`. */
  const ending = new Map<string, SignedOutReason>()

  const readCookie = () => {
    const [, , tokenName, sessionId] =
      /(^|; )__Host-annul-session=(([^.;]+)[^;]*)/.exec(platform.document?.cookie ?? '') ?? []
    return tokenName && sessionId ? { tokenName, sessionId } : undefined
  }
  const read = async () => {
    const stored = readCookie()
    // After a logout has cleared the cookies, the record of this tab's session still has the reason.
    const { sessionId } = stored ?? local
    const reason = sessionId && ((await attempts.find(recordName(sessionId))) ?? ending.get(sessionId))
    return reason ? { reason: reason as SignedOutReason, sessionId } : { stored }
  }

  return {
    cookie: true,
    read,
    /** The browser sets the cookies before a script gets the answer. A later answer of another tab may replace them. */
    async put({ session }) {
      const { stored } = await read()
      return stored?.sessionId === session?.id ? stored : undefined
    },
    async end(reason, expected) {
      const stored = readCookie()
      if (!stored || (expected && expected.tokenName !== stored.tokenName)) return undefined
      ending.set(stored.sessionId, reason)
      const first = await attempts.claim(recordName(stored.sessionId), reason)
      return first === reason ? stored : undefined
    },
  }
}
