/** The part of a request that Annul reads. Node's own, Express's and Fastify's requests all fit. */
export interface RequestLike {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** The connection. Its address is the client's, or a proxy's (ANNUL_TRUSTED_PROXIES). */
  readonly socket?: { readonly remoteAddress?: string | undefined }
}

/** The part of a response that Annul sets cookies on. Node's own response fits. */
export interface ResponseLike {
  appendHeader(name: string, value: string): unknown
}

/** A header's value. If the header was sent several times: the first value. */
export function header(request: RequestLike, name: string): string | undefined {
  const value = request.headers[name]
  return Array.isArray(value) ? value[0] : value
}

/** The reply of Fastify, on which cookies are set. */
export interface ReplyLike {
  header(name: string, value: string): unknown
}

/** A `Request` of the Fetch API: of Next.js, Hono and the like. */
export interface FetchRequest {
  readonly url: string
  readonly headers: { forEach(visit: (value: string, name: string) => void): void }
}

/** What a Fetch handler knows of a request beside the `Request`. */
export interface FetchConnection {
  /** The client's address, or a proxy's (trustedProxies). Without it, `bind: 'ip'` issues no tokens. */
  readonly address?: string | undefined
}

/** The headers that a Fetch handler adds to its response, in order. `new Headers(list)` takes them. */
export type HeaderList = [name: string, value: string][]

/** A Fetch `Request` as a RequestLike. */
export function fromFetch({ url, headers }: FetchRequest, { address }: FetchConnection = {}): RequestLike {
  const read: Record<string, string> = {}
  headers.forEach((value, name) => {
    read[name.toLowerCase()] = value
  })
  // A Request has the host in its URL, and not always in a header.
  if (read.host === undefined && URL.canParse(url)) read.host = new URL(url).host
  return { headers: read, socket: { remoteAddress: address } }
}
