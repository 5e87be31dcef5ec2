import type { Reason } from '../errors.ts'
import type { Parts } from '../parts.ts'
import type { AccessClaims } from '../tokens/accessClaims.ts'
import type { StrictReader } from './strictReader.ts'

/** Why a socket must end: the reason why its token died, or UNAVAILABLE when the token can't be checked any more. */
export type Ending = Reason | 'UNAVAILABLE'

export interface TokenWatch {
  /**
   * Calls `end` once, when the token dies: before the revoking mutation returns, as for requests.
   *
   * @returns a function that ends the watch
   */
  watch(claims: AccessClaims, end: (why: Ending) => void): () => void
  close(): void
}

interface Watched {
  readonly claims: AccessClaims
  readonly end: (why: Ending) => void
}

/**
 * Tells sockets, which live longer than a request, when their tokens die. The view calls its listeners within each
 * reading, before the node acknowledges the reading; so no revoking mutation returns earlier. While the view is stale,
 * no listener is called: then the primary is asked, and a socket ends whose token the primary does not confirm.
 */
export function openTokenWatch(
  parts: Pick<Parts, 'clock' | 'config' | 'revocation'>,
  strict: StrictReader,
): TokenWatch {
  const { clock, config, revocation } = parts
  const all = new Set<Watched>()
  const bySubject = new Map<string, Set<Watched>>()

  const check = (watched: Watched) => {
    const reason = revocation.view.verdict(watched.claims)
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
        for (const subject of [claims.sub, claims.sid]) {
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
      const expiry = setTimeout(() => watched.end('TOKEN_EXPIRED'), (claims.exp - clock.now()) * 1000)
      expiry.unref()
      all.add(watched)
      for (const subject of [claims.sub, claims.sid])
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
