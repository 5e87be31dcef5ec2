import { createQueue } from '../platform/lock.ts'
import { platform } from '../platform/platform.ts'
import { openStorage, type SessionStorage } from '../platform/storage.ts'
import { encode, hex } from '../platform/text.ts'
import type { SignedOutReason, Tokens } from '../types.ts'
import type { Attempts } from './attempts.ts'
import type { LocalState } from './localState.ts'

/** The refresh token that this browser or app has now. */
export interface StoredToken {
  /** Names the token without being it: its SHA-256, or the cookie's `sessionId.generation`. */
  readonly tokenName: string
  /** The token. Undefined in cookie mode, where no script can read it. */
  readonly token?: string
}

/** What is kept in the place of a token whose session has ended, so that every tab tells the same reason. */
export interface EndedSession {
  readonly reason: SignedOutReason
  /** Empty or undefined where the tab that learned of the end did not know it. */
  readonly sessionId: string | undefined
}

/** One of the two, or neither: nobody was signed in, or the user has signed out. */
export interface StoredState {
  readonly stored?: StoredToken | undefined
  readonly ended?: EndedSession | undefined
}

/** Where the refresh token is. All tabs share it, so every change compares with what is there. */
export interface TokenStore {
  readonly cookie: boolean
  read(): Promise<StoredState>
  /**
   * @param from what was refreshed; undefined for a login, which takes the place of whatever was there
   * @returns undefined, and nothing changed, when `from` is no longer there: a logout or another login came first
   */
  put(
    tokens: Pick<Tokens, 'refreshToken'> & Partial<Pick<Tokens, 'session'>>,
    from?: StoredToken,
  ): Promise<StoredToken | undefined>
  /**
   * Takes the token away, and keeps the reason in its place.
   *
   * @param expected the token to take away; undefined for whichever is there
   * @returns the token; undefined, and nothing changed, when it was no longer there
   */
  end(reason: SignedOutReason, expected?: StoredToken): Promise<StoredToken | undefined>
}

/** The refresh token as a value in the given storage. Errors of the storage pass: they say nothing about the session. */
export function storeInStorage(storage: SessionStorage, key: string, local: LocalState): TokenStore {
  const items = openStorage(storage)
  const name = `${key}.token`
  const queue = createQueue(storage)
  const read = async (): Promise<StoredState> => {
    const text = await items.get(name)
    const [, reason, sessionId] = /^ended:(\w+):(.*)/.exec(text ?? '') ?? []
    if (reason) return { ended: { reason: reason as SignedOutReason, sessionId } }
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
        // Nothing in the token's place says that the user has signed out.
        if (reason === 'LOGGED_OUT') await items.remove(name)
        else await items.set(name, `ended:${reason}:${sessionId}`)
        return stored
      })
    },
  }
}

/**
 * The name is the SHA-256, so that the attempts outlive a token without keeping it. Where there is none, attempts and
 * tokens are in one storage anyway, and the token may stand for itself.
 */
async function describeToken(token: string): Promise<StoredToken> {
  const digest = await platform.crypto?.subtle?.digest('SHA-256', encode(token))
  return { tokenName: digest ? hex(new Uint8Array(digest)) : token, token }
}

/**
 * The refresh token in a HttpOnly cookie. The client knows what the readable cookie beside it says, and never writes
 * either. A session that has ended is kept among the attempts instead: a late deletion would hit a newer login.
 */
export function storeInCookie(attempts: Attempts, local: LocalState): TokenStore {
  const recordName = (sessionId: string) => `ended.${sessionId}`
  /** By session, while the record is not written: a logout counts from the moment it is asked for. */
  const ending = new Map<string, SignedOutReason>()

  const readCookie = () => {
    const [, tokenName, sessionId] =
      /(?:^|; )__Host-annul-session=(([^.;]+)[^;]*)/.exec(platform.document?.cookie ?? '') ?? []
    return tokenName && sessionId ? { tokenName, sessionId } : undefined
  }
  const read = async () => {
    const stored = readCookie()
    // Without a cookie, which a logout clears, the record of this tab's session still says how that has ended.
    const { sessionId } = stored ?? local
    const reason = sessionId && ((await attempts.find(recordName(sessionId))) ?? ending.get(sessionId))
    return reason ? { ended: { reason: reason as SignedOutReason, sessionId } } : { stored }
  }

  return {
    cookie: true,
    read,
    /** The browser has set the cookies before the answer reaches us; unless another tab's answer came after it. */
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
