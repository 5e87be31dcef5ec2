import { type AuthError, isReason, type Reason, unauthenticated, unavailable } from '../errors.ts'
import type { Log } from '../log.ts'
import type { RevocableClaims } from '../revocation/view.ts'
import { noteKeyOf, tokenVerifier } from '../tokens/accessToken.ts'
import type { KeySet } from '../tokens/keySet.ts'
import type { TokenViewer, ViewerClaims } from '../viewer.ts'
import { refuseBound } from './boundTokens.ts'
import type { Introspected } from './introspection.ts'

/** The sender of a request, or why there is none: an error with `code`, `reason` and `details`. */
export type VerifierDecision = TokenViewer | AuthError

/** @internal What decisions are made from. */
export interface Picture {
  readonly keys: KeySet
  /** Calls with each further frame of keys, instead of what was given before. */
  onNextKeys(call: () => void): void
  issuer(): string | undefined
  /** Whether `verdict` may be asked now. */
  isFresh(): boolean
  verdict(claims: RevocableClaims): Reason | undefined
  /** Milliseconds since 1970; undefined before the first contact. */
  databaseTime(): number | undefined
}

export interface Decider {
  /** A promise only where somebody must be asked. Never throws, and never rejects. */
  decide(token: string | undefined): VerifierDecision | Promise<VerifierDecision>
  /** Why a token is dead that was accepted before, as those who know say now. @throws NoAnswer */
  reask(claims: ViewerClaims): Promise<Reason | undefined>
  /** Database time in seconds. */
  now(): number
}

/** @internal */
interface DeciderOptions {
  readonly audience: string
  readonly acceptBound: boolean
  readonly acceptFormer: boolean
  readonly log: Log
  /** @throws where no node answers */
  readonly ask: (token: string) => Promise<Introspected>
}

/** How long a token with an unknown key waits for keys, and how seldom an auth node is asked about one. */
const unknownKeyMs = 1000

/** Nothing else is sent to the auth nodes: no text that any client makes up, and no refresh token. */
const mayBeJwt = /^[\w-]+\.[\w-]+\.[\w-]+$/

/**
 * Token -> claims -> verdict, as on an auth node (decisions/authenticate.ts). Without a picture that may be used, an auth
 * node is asked.
 *
 * @internal
 */
export function openDecider(picture: Picture, options: DeciderOptions): Decider {
  const { audience, acceptFormer, ask } = options
  const isUnbound = refuseBound(options)
  const now = () => (picture.databaseTime() ?? Date.now()) / 1000
  /** The tokens of the claims that were accepted. */
  const tokens = new WeakMap<object, string>()
  /** Ends with the next frame of keys, or when the time is over. */
  let unknownKey: Promise<void> | undefined

  let verifier: ReturnType<typeof tokenVerifier> | undefined
  let verifierIssuer: string | undefined
  /** Undefined until the issuer is known. */
  const verifierNow = () => {
    const issuer = picture.issuer()
    if (issuer !== verifierIssuer) {
      verifierIssuer = issuer
      verifier =
        issuer === undefined ? undefined : tokenVerifier({ keys: picture.keys, issuer, audience, now })
    }
    return verifier
  }

  const decide = (token: string | undefined): VerifierDecision | Promise<VerifierDecision> => {
    if (token === undefined) return unauthenticated('TOKEN_MISSING')
    const own = verifierNow()
    // Without the database's time, this machine's clock would decide which tokens have expired.
    if (own === undefined || picture.databaseTime() === undefined) return askAbout(token)
    const claims = own.verify(token)
    if (typeof claims !== 'string') return judge(token, claims)
    if (claims === 'TOKEN_INVALID' && own.hasUnknownKey(token))
      return picture.isFresh() ? learnKey(token) : askAbout(token)
    return claims === 'TOKEN_INVALID' && acceptFormer ? askAbout(token) : refuse(token, claims)
  }

  /** Where the picture may not be used, neither may its time: a clock that was set forward must sign nobody out. */
  const refuse = (token: string, reason: Reason): VerifierDecision | Promise<VerifierDecision> =>
    reason === 'TOKEN_EXPIRED' && !picture.isFresh() ? askAbout(token) : unauthenticated(reason)

  const judge = (token: string, claims: ViewerClaims): VerifierDecision | Promise<VerifierDecision> => {
    if (!isUnbound(claims)) return unauthenticated('TOKEN_INVALID')
    return picture.isFresh() ? conclude(token, claims, picture.verdict(claims)) : askAbout(token, claims)
  }

  /** @param known the claims, where the signature was checked here */
  const askAbout = async (token: string, known?: ViewerClaims): Promise<VerifierDecision> => {
    if (!mayBeJwt.test(token)) return unauthenticated('TOKEN_INVALID')
    const said = await ask(token).catch(() => undefined)
    if (said === undefined) return unavailable()
    if (typeof said === 'string') return unauthenticated(said)
    const claims = known ?? said
    if (known === undefined) {
      if (!isOurs(claims)) return unauthenticated('TOKEN_INVALID')
      // A former system's token has no key of Annul's.
      if (claims.sid !== null) noteKeyOf(claims, token)
    }
    return conclude(token, claims, undefined)
  }

  /** Whether claims that an auth node has verified would have been accepted here. */
  const isOurs = (claims: ViewerClaims): boolean => {
    const issuer = picture.issuer()
    if (claims.sid === null) return acceptFormer
    return claims.aud === audience && (issuer === undefined || claims.iss === issuer) && isUnbound(claims)
  }

  /**
   * An auth node is asked about one such token a second: so it looks for new keys, which come by the feed. The other
   * tokens wait for these, and invented key ids cost nothing.
   */
  const learnKey = (token: string): Promise<VerifierDecision> => {
    if (unknownKey !== undefined) {
      // Each waits for as long, whenever it comes: invented key ids keep somebody waiting all the time.
      const patience = new Promise<void>(resolve => setTimeout(resolve, unknownKeyMs).unref())
      return Promise.race([unknownKey, patience]).then(() => decideAgain(token))
    }
    unknownKey = new Promise<void>(resolve => picture.onNextKeys(resolve))
    setTimeout(() => {
      unknownKey = undefined
    }, unknownKeyMs).unref()
    return askAbout(token)
  }

  const decideAgain = (token: string): VerifierDecision | Promise<VerifierDecision> => {
    const claims = verifierNow()?.verify(token) ?? 'TOKEN_INVALID'
    return typeof claims === 'string' ? refuse(token, claims) : judge(token, claims)
  }

  const conclude = (token: string, claims: ViewerClaims, refused: Reason | undefined): VerifierDecision => {
    if (refused !== undefined) return unauthenticated(refused)
    tokens.set(claims, token)
    return viewerOf(claims)
  }

  return {
    decide,
    async reask(claims) {
      const token = tokens.get(claims)
      if (token === undefined) throw new TypeError('These are no claims that this verifier has accepted.')
      const said = await ask(token)
      return typeof said === 'string' && isReason(said) ? said : undefined
    },
    now,
  }
}

/** The sender whose token has these claims, and is live. */
export function viewerOf(claims: ViewerClaims): TokenViewer {
  const { sub: userId, sid: sessionId, roles, scope } = claims
  return { userId, sessionId, roles, scopes: scope === '' ? [] : scope.split(' '), claims }
}
