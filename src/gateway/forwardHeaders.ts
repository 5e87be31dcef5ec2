import { header, type RequestLike } from '../request/message.ts'

/** Where a subrequest goes: to Annul itself, or to a service that takes Annul's access tokens. */
export type Destination = 'annul' | 'service'

/** What every destination is sent. */
const forAll = ['authorization'] as const

/** What only Annul reads: how its cookies may be used, the renewal of a token, and the device of a client without cookies. */
const forAnnul = [
  'origin',
  'sec-fetch-site',
  'annul-renew',
  'annul-device',
  'apollo-require-preflight',
] as const

/** The cookies of Annul begin with this. All others are none of its business. */
const cookiePrefix = '__Host-annul-'

/**
 * The headers that a subrequest carries for a client's request. Everything that is not named here stays behind: headers
 * in which a client claims to be somebody (`x-user-id`), `forwarded`, `host`, and what belongs to one connection.
 *
 * Only Annul is sent cookies, because one of them holds the refresh token, with which a service could open what it likes.
 *
 * @param request of the client. Its `socket` tells the client's address
 * @param options where the subrequest goes; default: `{ to: 'service' }`
 * @returns by their names in lower case, without those that the client has not sent
 * @example
 * forwardHeaders(request, { to: 'annul' })   // { authorization: 'Bearer …', 'x-forwarded-for': '192.0.2.1', … }
 */
export function forwardHeaders(
  request: RequestLike,
  { to = 'service' }: { readonly to?: Destination } = {},
): Record<string, string> {
  // Empty where the client has none: `fetch` would set its own, and sessions would show the gateway as the device.
  const headers: Record<string, string> = { 'user-agent': header(request, 'user-agent') ?? '' }
  for (const name of to === 'annul' ? [...forAll, ...forAnnul] : forAll) {
    const value = header(request, name)
    if (value !== undefined) headers[name] = value
  }
  const cookies = to === 'annul' ? cookiesOf(request) : ''
  if (cookies !== '') headers.cookie = cookies
  const hops = hopsOf(request)
  if (hops !== undefined) headers['x-forwarded-for'] = hops
  return headers
}

function cookiesOf(request: RequestLike): string {
  const pairs = [request.headers.cookie].flat().join(';').split(';')
  return pairs
    .map(pair => pair.trim())
    .filter(pair => pair.startsWith(cookiePrefix))
    .join('; ')
}

/**
 * X-Forwarded-For with the address of the gateway's own peer at its end. The receiver reads from the right, and stops at
 * the first address that is no proxy of its own: what a client has written itself stands left of that.
 *
 * Without an address there is no header, because the client's own entry would stand at the end.
 */
function hopsOf(request: RequestLike): string | undefined {
  const address = request.socket?.remoteAddress
  if (!address) return undefined
  const before = [request.headers['x-forwarded-for']].flat().filter(hops => hops !== undefined)
  return [...before, address].join(', ')
}
