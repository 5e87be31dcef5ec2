import type { ExecutionResult, GraphQLError, GraphQLSchema } from 'graphql'
import type { OpenedAuth } from '../auth.ts'
import { AuthError, unauthenticated, unavailable } from '../errors.ts'
import { annulExtension } from '../graphql/answer.ts'
import { touchesGuarded } from '../graphql/touchesGuarded.ts'
import { type RequestState, stateOf } from '../request/context.ts'
import type { HeaderList } from '../request/message.ts'
import { openSafeErrors, type SafeErrors } from './yogaErrors.ts'
import { type Admitted, gateEvents } from './yogaEvents.ts'
import { messageOf, type YogaOptions, type YogaRequest } from './yogaRequest.ts'

/** One operation. A request of a batch has several, each with a context of its own. */
interface Operation {
  readonly state: RequestState
  /** What the client has sent. */
  readonly text: unknown
  /** Whether an executor has run. Otherwise an answer comes from somewhere else: from a cache of answers. */
  isCarriedOut: boolean
  /** The safe errors of the answer, or of the last event, before Yoga's `maskedErrors` has seen them. */
  errors: readonly GraphQLError[]
}

const undecided =
  'A plugin has answered an operation with guarded fields in place of the executor. No cache of answers may hold these: ' +
  'nobody decides about the sender. Let the cache leave them out (for example by `enabled`).'

/** What Annul knows of the operations under way, by their contexts. */
export class Operations {
  /** The schema of the last operation. */
  schema: GraphQLSchema | undefined
  readonly errors: SafeErrors
  readonly #auth: OpenedAuth
  readonly #options: YogaOptions<object>
  readonly #byContext = new WeakMap<object, Operation>()
  readonly #cookies = new WeakMap<YogaRequest, HeaderList>()
  /** Of requests that failed outside of an operation. */
  readonly #failures = new WeakMap<YogaRequest, readonly GraphQLError[]>()

  constructor(auth: OpenedAuth, options: YogaOptions<object>) {
    this.#auth = auth
    this.#options = options
    this.errors = openSafeErrors(auth.formatError)
  }

  /** Gives the context its `auth`. @throws Error where the app has put an `auth` of its own there */
  begin(request: YogaRequest, context: object, text: unknown): void {
    if ('auth' in context)
      throw new Error('The server context has an "auth" of the app\'s own, and Annul needs that name.')
    const cookies = this.cookiesOf(request) ?? []
    this.#cookies.set(request, cookies)
    const { auth } = this.#auth.context(messageOf(request, context, this.#options), {
      appendHeader: (name, value) => cookies.push([name, value]),
    })
    // Not writable: a `context` function of the app that gives back an `auth` fails.
    Object.defineProperty(context, 'auth', { value: auth, enumerable: true })
    this.#byContext.set(context, { state: stateOf(auth), text, isCarriedOut: false, errors: [] })
  }

  /** The cookies that the operations of a request have set; undefined where none was begun. */
  cookiesOf(request: YogaRequest): HeaderList | undefined {
    return this.#cookies.get(request)
  }

  /** Makes errors safe before Yoga's `maskedErrors` sees them, so that they can be restored. */
  tell(context: unknown, errors: readonly unknown[], code?: string): readonly GraphQLError[] {
    const made = errors.map(error => this.errors.of(error, code))
    const operation = this.#of(context)
    if (operation) operation.errors = made
    return made
  }

  /** As `tell`, for what failed in a request, perhaps outside of an operation. */
  fail(request: YogaRequest, context: unknown, error: unknown): GraphQLError | undefined {
    const made = this.tell(context, [error])
    this.#failures.set(request, made)
    return made[0]
  }

  /**
   * The last look at an answer: no error leaves that is not safe.
   *
   * @param request undefined in a batch, where a failure does not say to which operation it belongs
   */
  release<Result extends ExecutionResult>(request: YogaRequest | undefined, result: Result): Result {
    if (!result.errors) return result
    const made = request ? this.#failures.get(request) : undefined
    return { ...result, errors: this.errors.restore(result.errors, made ?? []) }
  }

  /** Notes that an executor runs. @returns undefined for a context that is none of Annul's */
  carryOut(context: unknown): RequestState | undefined {
    const operation = this.#of(context)
    if (operation) operation.isCarriedOut = true
    return operation?.state
  }

  /** The finished answer of an operation: its errors, and `extensions.annul`. */
  finish(context: unknown, result: ExecutionResult): ExecutionResult | Promise<ExecutionResult> {
    const operation = this.#of(context)
    if (!operation) return result
    if (this.#isUndecided(operation, result)) return { errors: this.tell(context, [new Error(undecided)]) }
    const restored = this.#restore(operation, result)
    const extending = annulExtension(operation.state)
    if (extending === undefined) return restored
    return extending.then(annul =>
      annul ? { ...restored, extensions: { ...restored.extensions, annul } } : restored,
    )
  }

  /** The events of a subscription, until its token dies. */
  gate(context: unknown, events: AsyncIterable<ExecutionResult>): AsyncIterable<ExecutionResult> {
    const operation = this.#of(context)
    if (!operation) return events
    const { state } = operation
    const refusal = (error: unknown): ExecutionResult => ({ errors: [this.errors.of(error)] })
    return gateEvents<ExecutionResult>(events, {
      admit: event => {
        const conclude = (refused: AuthError | undefined): Admitted<ExecutionResult> =>
          refused
            ? { event: refusal(refused), isLast: true }
            : { event: this.#restore(operation, event), isLast: false }
        const refused = state.refusedSince()
        // Where the view decides, nothing happens between the decision and the sending.
        return refused instanceof Promise ? refused.then(conclude) : conclude(refused)
      },
      broken: refusal,
      watch: end => {
        const viewer = state.lastDecision()
        if (viewer === undefined || viewer instanceof AuthError) return () => {}
        return this.#auth.watch.watch(viewer.claims, why =>
          end(refusal(why === 'UNAVAILABLE' ? unavailable() : unauthenticated(why))),
        )
      },
    })
  }

  /**
   * Whether an answer with guarded fields comes from a cache. Nobody has decided about its sender: it may be another
   * user's, and the token may have died since.
   */
  #isUndecided({ state, text, isCarriedOut }: Operation, { data }: ExecutionResult): boolean {
    if (isCarriedOut || data == null || state.hasMetGuard) return false
    return (
      typeof text !== 'string' ||
      this.schema === undefined ||
      touchesGuarded(this.schema, text, this.#auth.bounds.tokens)
    )
  }

  #restore({ errors: made }: Operation, result: ExecutionResult): ExecutionResult {
    return result.errors ? { ...result, errors: this.errors.restore(result.errors, made) } : result
  }

  #of(context: unknown): Operation | undefined {
    return typeof context === 'object' && context !== null ? this.#byContext.get(context) : undefined
  }
}
