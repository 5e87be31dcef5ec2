import { SessionError, unreachable } from '../error.ts'
import type { Config } from '../options.ts'
import { now } from '../platform/platform.ts'
import { parse } from '../platform/text.ts'
import { backoff, onAbort, sleep } from '../platform/time.ts'
import type { GraphQLFailure, GraphQLResult } from '../types.ts'
import type { Device } from './device.ts'
import { documentOf } from './documents.ts'
import { isPassing } from './operation.ts'
import type { Send, SendOptions } from './sendOptions.ts'

/**
 * Repeats work that failed, with growing pauses, within a time budget. A pause that would exceed the budget is not begun.
 *
 * @param retryOf given the result or the error of a try: the seconds that the server asks to wait (0 if it does not
 *   say), or undefined when the outcome is final
 * @param budgetMs milliseconds
 * @param signal ends the repetition with the last outcome
 */
export async function persist<T>(
  work: () => Promise<T>,
  retryOf: (value: T | undefined, error?: unknown) => number | undefined,
  budgetMs: number,
  signal?: AbortSignal | null,
): Promise<T> {
  const endAt = now() + budgetMs
  for (let tries = 0; ; tries++) {
    const done = work()
    const retry = await done.then(retryOf, error => retryOf(undefined, error))
    const pauseMs = backoff(tries, retry)
    if (retry === undefined || now() + pauseMs > endAt) return done
    await sleep(pauseMs, signal)
    if (signal?.aborted) return done
  }
}

/** Seconds, from the error or else from the header. A date in the header is ignored: it would need the device's clock. */
export function retryAfter({ headers }: Response, failure?: GraphQLFailure): number {
  return Number(failure?.extensions?.retryAfter ?? headers.get('retry-after')) || 0
}

export function createSend(options: Config, device: Device): Send {
  const { originHint } = options
  return <T>(field: string, variables: object, request: SendOptions = {}) => {
    const { fetch = options.fetch, headers, repeatable, signal, keepalive = false } = request
    const work = async (): Promise<T> => {
      const timeout = new AbortController()
      const abort = () => timeout.abort()
      // No time limit for a request that the session's fetch sends: it may include a slow refresh, and a changed password
      // must not be reported as a failure because of that.
      const timer = request.fetch ? undefined : setTimeout(abort, options.timeoutMs)
      const ignore = onAbort(signal, abort)
      try {
        // Not for refresh and logout, which are about a session.
        const response = await device(!('refreshToken' in variables), known =>
          fetch(options.endpoint, {
            method: 'POST',
            headers: { 'content-type': 'application/json', ...headers, ...known },
            body: JSON.stringify({ query: documentOf(field, options.rename, request), variables }),
            // A redirect could carry a password or a refresh token to another origin.
            redirect: 'error',
            keepalive,
            signal: timeout.signal,
            credentials: options.credentials,
          }),
        )
        return readAnswer<T>(await response.text(), field, response, originHint)
      } catch (error) {
        if (error instanceof SessionError) throw error
        // To a page of an origin that is not allowed the browser reports only that there was no answer.
        throw unreachable(error, repeatable ? 0 : undefined, options.crossOrigin ? originHint : '')
      } finally {
        clearTimeout(timer)
        ignore()
      }
    }
    return persist(
      work,
      (_value, error) => (error as SessionError | undefined)?.retryAfter,
      options.retryMs,
      signal,
    )
  }
}

/** @returns the field's value. @throws SessionError a refusal, or a passing failure with `retryAfter` */
function readAnswer<T>(body: string, field: string, response: Response, originHint: string): T {
  const { data, errors } = parse<GraphQLResult>(body) ?? {}
  const failure = errors?.[0]
  const value = data?.[field]
  if (value || (data && !failure)) return value as T

  const extensions = failure?.extensions
  const mayPass = response.status === 429 || response.status >= 500 || isPassing(failure)
  const pause = mayPass ? retryAfter(response, failure) : undefined
  // Without extensions the answer is a proxy's page or an app's own 404, and not the server's.
  if (!extensions) throw unreachable(body, pause)
  const hint = extensions.code === 'ORIGIN_NOT_ALLOWED' ? originHint : ''
  throw new SessionError((failure.message ?? '') + hint, extensions, pause)
}
