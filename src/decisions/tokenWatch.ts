import type { Reason } from '../errors.ts'
import type { Parts } from '../parts.ts'
import type { AccessClaims } from '../tokens/accessClaims.ts'
import type { StrictReader } from './strictReader.ts'

/** Why something that lives by a token must end: the token's reason, or that nobody can tell any more. */
export type Ending = Reason | 'UNAVAILABLE'

export interface TokenWatch {
  /**
   * Calls once, when the token dies: within the revoking mutation's wait, as for requests.
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
 * What lives longer than a request (a socket) is told when its token dies. The view's listeners are called within each
 * reading, before the node acknowledges it; so no revoking mutation returns before. While the view is stale nobody is
 * told anything, so that then the primary is asked, and who can't be vouched for ends.
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
      // It may have died between the decision and this line; the listener was not told of it then.
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
