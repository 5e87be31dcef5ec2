import { RequestDecision } from '../decisions/requestDecision.ts'
import { bearerToken } from '../request/bearerToken.ts'
import { type FetchRequest, fromFetch, header, type RequestLike } from '../request/message.ts'
import type { TokenViewer } from '../viewer.ts'
import type { Decider, VerifierDecision } from './decider.ts'

/** What a service may ask about the sender of one request. */
export class VerifierAuth {
  readonly #decision: RequestDecision<TokenViewer>
  readonly #now: () => number

  /** @internal */
  constructor({ decide, now }: Pick<Decider, 'decide' | 'now'>, token: string | undefined) {
    this.#decision = new RequestDecision(() => decide(token))
    this.#now = now
  }

  /**
   * The sender of the request, on a field that `@auth` guards. On other fields, only after `await viewerOrNull()`.
   *
   * @throws AuthError UNAUTHENTICATED, or UNAVAILABLE when no auth node can be asked
   * @throws Error on an unguarded field, where the sender is not known yet
   */
  viewer(): TokenViewer {
    return this.#decision.viewer()
  }

  /**
   * The sender of the request, on any field. Null when the request carries no access token, or one that is refused.
   *
   * @throws AuthError UNAVAILABLE when no auth node can be asked, because an outage signs nobody out
   */
  viewerOrNull(): Promise<TokenViewer | null> {
    return this.#decision.viewerOrNull()
  }

  /** @internal For `@auth`: see RequestDecision.decide. */
  decide(again = false): VerifierDecision | Promise<VerifierDecision> {
    return this.#decision.decide(again)
  }

  /** @internal For `@auth`: see RequestDecision.forget. */
  forget(): void {
    this.#decision.forget()
  }

  /** @internal For `@auth`: database time in seconds. */
  now(): number {
    return this.#now()
  }
}

/** A part of the context of a GraphQL server: what `@auth` needs. */
export interface VerifierContext {
  readonly auth: VerifierAuth
}

/** The access token of a request: of the Authorization header alone (RFC 6750, 5.3). */
export function tokenOf(request: RequestLike | FetchRequest): string | undefined {
  const isFetch = typeof Object(request.headers).forEach === 'function'
  return bearerToken(
    header(isFetch ? fromFetch(request as FetchRequest) : (request as RequestLike), 'authorization'),
  )
}
