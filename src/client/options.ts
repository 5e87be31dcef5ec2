import { locate } from './platform/origin.ts'
import { platform } from './platform/platform.ts'
import type { SessionOptions } from './types.ts'

export type Config = ReturnType<typeof readOptions>

/** Sets every default. @throws TypeError for options that can't work: a mistake of the app's developer */
export function readOptions(options: SessionOptions) {
  const { key = 'annul', timeoutMs = 10_000, retryMs = 15_000 } = options
  const endpoint = String(options.endpoint)
  const storage = options.storage ?? (platform.document ? 'cookie' : new Map<string, string>())
  const isCookie = storage === 'cookie'

  const { origin } = locate(endpoint)
  const page = locate('').origin

  if (!origin) throw new TypeError(`createSession: no http(s) endpoint: ${endpoint}`)
  if (!platform.crypto?.getRandomValues) throw new TypeError('createSession: no crypto')
  // A page can read the cookies of its own host only. Cookies do not distinguish ports.
  if (isCookie && (!platform.document || hostOf(origin) !== hostOf(page ?? origin)))
    throw new TypeError('createSession: cookies need a page on its host')

  return {
    ...options,
    endpoint,
    storage,
    key,
    /** For every request to the endpoint's origin. To `fetch`, undefined is the same as missing. */
    credentials: (options.credentials ?? (isCookie ? 'include' : undefined)) as RequestCredentials,
    timeoutMs,
    retryMs,
    /** Tells the developer of a page that the server does not allow which setting to change. Empty without a page. */
    originHint: page ? ` ANNUL_ALLOWED_ORIGINS must name ${page}.` : '',
    /** Whether page and endpoint have different origins, so that the browser may hide an answer from the page. */
    crossOrigin: page !== origin,
    fetch:
      options.fetch ?? (((input, init) => globalThis.fetch(input, init)) satisfies typeof globalThis.fetch),
  }
}

const hostOf = (origin: string) => origin.replace(/:\d+$/, '')
