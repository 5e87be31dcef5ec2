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
