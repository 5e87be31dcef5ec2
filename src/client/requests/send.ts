import { SessionError, unreachable } from '../error.ts'
import type { Config } from '../options.ts'
import { now } from '../platform/platform.ts'
import { parse } from '../platform/text.ts'
import { backoff, sleep } from '../platform/time.ts'
import type { GraphQLFailure, GraphQLResult } from '../types.ts'
import { documents } from './documents.ts'
import { isPassing } from './operation.ts'

/**
 * Tries again, with growing pauses, for as long as that may take. A pause that would not fit is not begun.
 *
 * @param retryOf of what a try returned or threw: the seconds that the server asks to wait (0 if it does not say), or
 *   undefined when this is the last word
 * @param budgetMs milliseconds
 * @param signal ends it with the last outcome
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
    if (retry === undefined || signal?.aborted || now() + pauseMs > endAt) return done
    await sleep(pauseMs, signal)
    if (signal?.aborted) return done
  }
}

/** Seconds, as the error or else the header says (a date would need the device's clock). */
export function retryAfter({ headers }: Response, failure?: GraphQLFailure): number {
  return Number(failure?.extensions?.retryAfter ?? headers.get('retry-after')) || 0
}

export interface SendOptions {
  /** What sends it, if not what sends all. */
  readonly fetch?: typeof globalThis.fetch
  readonly headers?: Record<string, string>
  /** True where a second try is understood also when the first one's answer was lost (a register's is not: EMAIL_TAKEN). */
  readonly repeatable?: boolean
  /** Gives up. */
  readonly signal?: AbortSignal
  /** Lets it go out although the page is being left. */
  readonly keepalive?: boolean
}

/**
 * Sends a mutation of the client's own.
 *
 * @returns the root field's value
 * @throws SessionError the server's refusal, or UNAVAILABLE
 */
export type Send = <T>(field: keyof typeof documents, variables: object, options?: SendOptions) => Promise<T>

export function createSend(options: Config): Send {
  const { originHint } = options
  return <T>(field: keyof typeof documents, variables: object, request: SendOptions = {}) => {
    const { fetch = options.fetch, headers, repeatable, signal, keepalive = false } = request
    const work = async (): Promise<T> => {
      const timeout = new AbortController()
      const abort = () => timeout.abort()
      // What is sent by another has its own patience: a changed password is not taken back because a refresh is slow.
      const timer = request.fetch ? undefined : setTimeout(abort, options.timeoutMs)
      signal?.addEventListener('abort', abort)
      try {
        const response = await fetch(options.endpoint, {
          method: 'POST',
          headers: { 'content-type': 'application/json', ...headers },
          body: JSON.stringify({ query: documents[field], variables }),
          // A redirect could carry a password or a refresh token to another origin.
          redirect: 'error',
          keepalive,
          signal: timeout.signal,
          ...options.cookies,
        })
        return readAnswer<T>(await response.text(), field, response, originHint)
      } catch (error) {
        if (error instanceof SessionError) throw error
        // A page of an origin that is not allowed is told by its browser only that there was no answer.
        throw unreachable(error, repeatable ? 0 : undefined, options.crossOrigin ? originHint : '')
      } finally {
        clearTimeout(timer)
        signal?.removeEventListener('abort', abort)
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

/** What an answer means: the field's value, a refusal, or a passing failure. */
function readAnswer<T>(body: string, field: string, response: Response, originHint: string): T {
  const { data, errors } = parse<GraphQLResult>(body) ?? {}
  const failure = errors?.[0]
  const value = data?.[field]
  if (value || (data && !failure)) return value as T

  const extensions = failure?.extensions
  const mayPass = response.status === 429 || response.status >= 500 || isPassing(failure)
  const pause = mayPass ? retryAfter(response, failure) : undefined
  // Without extensions it is a proxy's page, or an app's own 404: no word of the server about the session.
  if (!extensions) throw unreachable(body, pause)
  const hint = extensions.code === 'ORIGIN_NOT_ALLOWED' ? originHint : ''
  throw new SessionError((failure.message ?? '') + hint, extensions, pause)
}
