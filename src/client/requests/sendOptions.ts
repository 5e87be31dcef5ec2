/** What a mutation takes and returns, where it is none of the client's own. */
export interface Shape {
  /** Variables of the same names: `($id:ID!,$name:String)`. Empty: none */
  readonly args?: string
  /** Begins with a brace. Only fields that keep their names. Default: tokens */
  readonly selection?: string
}

export interface SendOptions extends Shape {
  /** Sends this request in place of the session's `fetch` option. */
  readonly fetch?: typeof globalThis.fetch
  readonly headers?: Record<string, string>
  /** Whether a second try is harmless after a lost answer. A second register is not: EMAIL_TAKEN. */
  readonly repeatable?: boolean
  /** Gives up the request. */
  readonly signal?: AbortSignal
  /** Lets the browser send the request although the page is being left. */
  readonly keepalive?: boolean
}

/**
 * Sends one of the client's own mutations.
 *
 * @param field the root field
 * @returns the root field's value
 * @throws SessionError the server's refusal, or UNAVAILABLE
 */
export type Send = <T>(field: string, variables: object, options?: SendOptions) => Promise<T>
