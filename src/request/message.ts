/** What is looked at of a request: Fastify's and Node's own requests both fit. */
export interface RequestLike {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly ip?: string
}

/** Where cookies are set: Node's own response fits. */
export interface ResponseLike {
  appendHeader(name: string, value: string): unknown
}

/** A header's value; of one that was sent several times, the first. */
export function header(request: RequestLike, name: string): string | undefined {
  const value = request.headers[name]
  return Array.isArray(value) ? value[0] : value
}
