import { renewAfter, socket } from '../data/socket.ts'
import { session } from '../session.ts'

interface Operation {
  readonly query: string
  readonly variables?: Record<string, unknown> | null
  readonly operationName?: string | null
}

interface GraphQLFailure {
  readonly message: string
  readonly extensions?: { readonly code?: unknown; readonly reason?: unknown; readonly recover?: unknown }
}

interface Observer {
  next(answer: object): void
  complete(): void
}

/** The server closes a socket with this code when its token has died, and tells the reason. */
const unauthorized = 4401
/** A subscription that has lived shorter than this was not ended by the end of its token. */
const shortestMs = 2000

/**
 * What GraphiQL follows and can stop. A subscription ends with its access token. With the next token it goes on; where the
 * session has ended, the last answer says why.
 */
export function subscribe(operation: Operation): { subscribe(observer: Observer): { unsubscribe(): void } } {
  return {
    subscribe(observer) {
      const abort = new AbortController()
      void follow(operation, observer, abort.signal)
      return { unsubscribe: () => abort.abort() }
    },
  }
}

async function follow(operation: Operation, observer: Observer, signal: AbortSignal): Promise<void> {
  for (;;) {
    const startedAt = performance.now()
    const errors = await once(operation, observer, signal)
    if (signal.aborted) return
    if (refusalIn(errors) && session.user !== null) {
      await renewAfter(reasonOf(errors))
      if (signal.aborted) return
      if (session.user !== null && performance.now() - startedAt > shortestMs) continue
    }
    if (errors.length > 0) observer.next({ errors })
    return observer.complete()
  }
}

/** Gives the answers until the subscription ends. @returns the errors that ended it */
function once(
  { query, variables = null, operationName = null }: Operation,
  observer: Observer,
  signal: AbortSignal,
): Promise<readonly GraphQLFailure[]> {
  return new Promise(resolve => {
    const stop = socket().subscribe(
      { query, variables, operationName },
      {
        next(answer) {
          if (signal.aborted) return
          if (refusalIn(answer.errors)) end(answer.errors)
          else observer.next(answer)
        },
        error: error => end(errorsOf(error)),
        complete: () => end(),
      },
    )
    const end = (errors: readonly GraphQLFailure[] = []) => {
      resolve(errors)
      stop()
    }
    signal.addEventListener('abort', () => end())
  })
}

function reasonOf(errors: readonly GraphQLFailure[]): string | undefined {
  const reason = refusalIn(errors)?.extensions?.reason
  return typeof reason === 'string' ? reason : undefined
}

function refusalIn(errors: readonly GraphQLFailure[] | undefined): GraphQLFailure | undefined {
  return errors?.find(({ extensions }) => extensions?.code === 'UNAUTHENTICATED')
}

/** The server's errors; where the socket was closed, an error that says why. */
function errorsOf(error: unknown): readonly GraphQLFailure[] {
  if (Array.isArray(error)) return error
  const { code, reason, message } = Object(error) as { code?: number; reason?: string; message?: string }
  if (code === unauthorized)
    return [{ message: reason ?? '', extensions: { code: 'UNAUTHENTICATED', reason, recover: 'LOGIN' } }]
  const closed = code === undefined ? 'UNREACHABLE' : `SOCKET_${code}`
  return [{ message: reason || message || closed, extensions: { code: closed } }]
}
