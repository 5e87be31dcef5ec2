import type { Reason } from '../errors.ts'
import type { RevocationView } from '../revocation/view.ts'
import { keyIdOf } from '../tokens/accessToken.ts'
import type { ViewerClaims } from '../viewer.ts'

/** Why a socket must end: the reason why its token died, or UNAVAILABLE when the token can't be checked any more. */
export type Ending = Reason | 'UNAVAILABLE'

export interface TokenWatch {
  /**
   * Calls `end` once, when the token dies: before the revoking mutation returns, as for requests.
   *
   * @returns a function that ends the watch
   */
  watch(claims: ViewerClaims, end: (why: Ending) => void): () => void
  close(): void
}

/** What a watch stands on: a node's own view, or a verifier's. */
export interface WatchParts {
  /** Database time in seconds. */
  readonly clock: { now(): number }
  readonly config: { readonly leaseMs: number }
  readonly revocation: {
    readonly view: Pick<RevocationView, 'verdict' | 'subscribe' | 'isKeyRevoked'>
    isFresh(): boolean
  }
}

/** Asks those who know. @throws where nobody answers */
export interface StrictVerdicts {
  verdict(claims: ViewerClaims): Promise<Reason | undefined>
}

/** Node's longest timer. It fires a longer one at once. */
const longestTimerMs = 2 ** 31 - 1

interface Watched {
  readonly claims: ViewerClaims
  readonly end: (why: Ending) => void
}

/**
 * Tells sockets, which live longer than a request, when their tokens die. The view calls its listeners within each
 * reading, before the node acknowledges the reading; so no revoking mutation returns earlier. While the view is stale,
 * no listener is called: then the primary is asked, and a socket ends whose token the primary does not confirm.
 *
 * @internal
 */
export function openTokenWatch(parts: WatchParts, strict: StrictVerdicts): TokenWatch {
  const { clock, config, revocation } = parts
  const all = new Set<Watched>()
  const bySubject = new Map<string, Set<Watched>>()

  const check = (watched: Watched) => {
    const { claims } = watched
    const kid = keyIdOf(claims)
    const reason =
      kid !== undefined && revocation.view.isKeyRevoked(kid) ? 'KEY_REVOKED' : revocation.view.verdict(claims)
    if (reason) watched.end(reason)
  }

  const unsubscribe = revocation.view.subscribe(revocations => {
    for (const { kind, subject = '' } of revocations)
      for (const watched of [...(kind === 'everyone' ? all : (bySubject.get(subject) ?? []))]) check(watched)
  })

  let sweeping = false
  const sweep = async () => {
    if (sweeping || all.size === 0 || revocation.isFresh()) return
    sweeping = true
    await Promise.all(
      [...all].map(async ({ claims, end }) => {
        const why = await strict.verdict(claims).catch(() => 'UNAVAILABLE' as const)
        if (why) end(why)
      }),
    )
    sweeping = false
  }
  const timer = setInterval(sweep, config.leaseMs / 2).unref()

  return {
    watch(claims, end) {
      const stop = () => {
        clearTimeout(expiry)
        all.delete(watched)
        for (const subject of subjectsOf(claims)) {
          const others = bySubject.get(subject)
          others?.delete(watched)
          if (others?.size === 0) bySubject.delete(subject)
        }
      }
      const watched: Watched = {
        claims,
        end(why) {
          if (!all.has(watched)) return
          stop()
          end(why)
        },
      }
      const waitForEnd = (): NodeJS.Timeout => {
        const leftMs = (claims.exp - clock.now()) * 1000
        // A former system's token may live longer than a timer can run.
        if (leftMs > longestTimerMs)
          return setTimeout(() => {
            expiry = waitForEnd()
          }, longestTimerMs).unref()
        return setTimeout(() => watched.end('TOKEN_EXPIRED'), leftMs).unref()
      }
      let expiry = waitForEnd()
      all.add(watched)
      for (const subject of subjectsOf(claims))
        bySubject.set(subject, (bySubject.get(subject) ?? new Set()).add(watched))
      // The token may have died between the decision and this line, before the view's listener knew of it.
      if (revocation.isFresh()) queueMicrotask(() => check(watched))
      return stop
    },
    close() {
      clearInterval(timer)
      unsubscribe()
      for (const { end } of [...all]) end('UNAVAILABLE')
    },
  }
}

/** What a kill of the token may name: its user, its session if it has one, and the key that signed it. */
function subjectsOf(claims: ViewerClaims): string[] {
  return [claims.sub, claims.sid, keyIdOf(claims)].filter(subject => typeof subject === 'string')
}
