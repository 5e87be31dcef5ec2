import { AuthError } from '../errors.ts'

/**
 * The decision about the sender of one request. The first one holds for the whole request, so that all fields of one
 * answer agree, and no longer than that.
 */
export class RequestDecision<Viewer extends object> {
  readonly #decideNow: () => Viewer | AuthError | Promise<Viewer | AuthError>
  #decision: Viewer | AuthError | Promise<Viewer | AuthError> | undefined
  /** The present decision, as soon as it is known. */
  #settled: Viewer | AuthError | undefined
  #last: Viewer | AuthError | undefined

  constructor(decideNow: () => Viewer | AuthError | Promise<Viewer | AuthError>) {
    this.#decideNow = decideNow
  }

  /**
   * @param again decides anew: for root mutation fields, so that `{ revokeSessions secret }` does not answer `secret`,
   *   and for each event of a subscription
   */
  decide(again = false): Viewer | AuthError | Promise<Viewer | AuthError> {
    if (this.#decision !== undefined && !again) return this.#decision
    this.forget()
    const made = this.#decideNow()
    this.#decision = made
    if (made instanceof Promise) made.then(settled => this.#settle(made, settled))
    else this.#settle(made, made)
    return made
  }

  /** Called for root mutation fields and events without `@auth`: a decision holds no longer than one of these. */
  forget(): void {
    this.#decision = undefined
    this.#settled = undefined
  }

  get isMade(): boolean {
    return this.#decision !== undefined
  }

  get settled(): Viewer | AuthError | undefined {
    return this.#settled
  }

  /** The last decision, if one was made. */
  get last(): Viewer | AuthError | undefined {
    return this.#last
  }

  /** The viewer of the present decision. @throws AuthError UNAUTHENTICATED, UNAVAILABLE */
  viewer(): Viewer {
    if (this.#settled === undefined)
      throw new Error(
        'viewer() was called on a field that no @auth guards, where the sender is not known yet. ' +
          'Guard the field with @auth, or await viewerOrNull() instead.',
      )
    if (this.#settled instanceof AuthError) throw this.#settled
    return this.#settled
  }

  /** The viewer, or null for a sender without a token, or with one that is refused. @throws AuthError UNAVAILABLE */
  async viewerOrNull(): Promise<Viewer | null> {
    const decision = await this.decide()
    if (!(decision instanceof AuthError)) return decision
    if (decision.code === 'UNAUTHENTICATED') return null
    throw decision
  }

  /** Ignores a decision that was replaced before it was known. */
  #settle(made: Viewer | AuthError | Promise<Viewer | AuthError>, settled: Viewer | AuthError): void {
    if (made !== this.#decision) return
    this.#settled = settled
    this.#last = settled
  }
}
