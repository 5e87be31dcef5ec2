import { locate } from './platform/origin.ts'
import { platform } from './platform/platform.ts'
import type { SessionOptions } from './types.ts'

export type Config = ReturnType<typeof readOptions>

/** The options with every default set. @throws TypeError with what is wrong: it can only be the app's mistake */
export function readOptions(options: SessionOptions) {
  const { renew = false, key = 'annul', timeoutMs = 10_000, retryMs = 15_000 } = options
  const endpoint = String(options.endpoint)
  const storage = options.storage ?? (platform.document ? 'cookie' : new Map<string, string>())
  const isCookie = storage === 'cookie'
  const credentials = options.credentials ?? (isCookie ? 'include' : undefined)

  const { origin } = locate(endpoint)
  const page = platform.location && locate(platform.location.href).origin

  if (!origin) throw new TypeError(`createSession: no http(s) endpoint: ${endpoint}`)
  if (!platform.crypto?.getRandomValues) throw new TypeError('createSession: no crypto.getRandomValues')
  // A page reads the cookies of its own host only; ports they do not tell apart.
  if (isCookie && (!platform.document || hostOf(endpoint) !== hostOf(platform.location?.href ?? endpoint)))
    throw new TypeError('createSession: cookies need a page on the host of the endpoint')

  return {
    endpoint,
    storage,
    key,
    /** Whether other tabs may see the same session. Memory of our own is nobody else's. */
    shared: options.storage !== undefined || isCookie,
    renew,
    /** Goes with every request to the endpoint's origin. */
    cookies: credentials ? { credentials } : {},
    timeoutMs,
    retryMs,
    /** For the developer whose page the server does not allow: which setting lacks what. Empty where there is no page. */
    originHint: page ? ` ANNUL_ALLOWED_ORIGINS must name ${page}.` : '',
    /** Whether a request that was not answered may be one that the browser has kept from a page of another origin. */
    crossOrigin: page !== origin,
    fetch:
      options.fetch ?? (((input, init) => globalThis.fetch(input, init)) satisfies typeof globalThis.fetch),
  }
}

const hostOf = (url: string): string | undefined => locate(url).origin?.replace(/:\d+$/, '')
