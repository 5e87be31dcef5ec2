import type { ExecutionResult, GraphQLError } from 'graphql'
import type { OpenedAuth } from '../auth.ts'
import { AuthError, unauthenticated, unavailable } from '../errors.ts'
import { annulExtension } from '../graphql/answer.ts'
import { type RequestState, stateOf } from '../request/context.ts'
import type { HeaderList } from '../request/message.ts'
import { openSafeErrors, type SafeErrors } from './yogaErrors.ts'
import { type Admitted, gateEvents } from './yogaEvents.ts'
import { messageOf, type YogaOptions, type YogaRequest } from './yogaRequest.ts'

/** One operation. A request of a batch has several, each with a context of its own. */
interface Operation {
  readonly state: RequestState
  /** The safe errors of the answer, or of the last event, before Yoga's `maskedErrors` has seen them. */
  errors: readonly GraphQLError[]
}

/** What Annul knows of the operations under way, by their contexts. */
export class Operations {
  readonly errors: SafeErrors
  readonly #auth: OpenedAuth
  readonly #options: YogaOptions<object>
  readonly #byContext = new WeakMap<object, Operation>()
  readonly #cookies = new WeakMap<YogaRequest, HeaderList>()

  constructor(auth: OpenedAuth, options: YogaOptions<object>) {
    this.#auth = auth
    this.#options = options
    this.errors = openSafeErrors(auth.formatError)
  }

  /** Gives the context its `auth`. @throws Error where the app has put an `auth` of its own there */
  begin(request: YogaRequest, context: object): void {
    if ('auth' in context)
      throw new Error('The server context has an "auth" of the app\'s own, and Annul needs that name.')
    const cookies = this.cookiesOf(request) ?? []
    this.#cookies.set(request, cookies)
    const { auth } = this.#auth.context(messageOf(request, context, this.#options), {
      appendHeader: (name, value) => cookies.push([name, value]),
    })
    // Not writable: a `context` function of the app that gives back an `auth` fails.
    Object.defineProperty(context, 'auth', { value: auth, enumerable: true })
    this.#byContext.set(context, { state: stateOf(auth), errors: [] })
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

  /** The finished answer of an operation: its errors, and `extensions.annul`. */
  finish(context: unknown, result: ExecutionResult): ExecutionResult | Promise<ExecutionResult> {
    const operation = this.#of(context)
    if (!operation) return result
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

  #restore({ errors: made }: Operation, result: ExecutionResult): ExecutionResult {
    return result.errors ? { ...result, errors: this.errors.restore(result.errors, made) } : result
  }

  #of(context: unknown): Operation | undefined {
    return typeof context === 'object' && context !== null ? this.#byContext.get(context) : undefined
  }
}
