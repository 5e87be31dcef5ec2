import { header, type RequestLike, type ResponseLike } from '../request/message.ts'
import { type Destination, forwardHeaders } from './forwardHeaders.ts'

/** Headers of Annul's answers that are meant for the client. Its status and its challenge follow from the errors. */
const givenBack = ['annul-device'] as const

/** A client's request, as the gateway carries it along in the context. */
export interface CarriedRequest {
  /** Aborted when the client has gone. Undefined where the server does not tell. */
  readonly signal: AbortSignal | undefined
}

/** @internal One request of a client on its way through the gateway: what goes with it, and what comes back for its answer. */
export class Passage implements CarriedRequest {
  readonly signal: AbortSignal | undefined
  readonly #request: RequestLike
  readonly #response: ResponseLike
  readonly #headers = new Map<Destination, Readonly<Record<string, string>>>()
  #extension: Readonly<Record<string, unknown>> | undefined

  constructor(request: RequestLike, response: ResponseLike, signal?: AbortSignal) {
    this.#request = request
    this.#response = response
    this.signal = signal
  }

  /** The client's access token, as the Authorization header has it. */
  get token(): string | undefined {
    return header(this.#request, 'authorization')?.match(/^Bearer +([^ ]+)$/i)?.[1]
  }

  headersTo(to: Destination): Readonly<Record<string, string>> {
    const headers = this.#headers.get(to) ?? forwardHeaders(this.#request, { to })
    this.#headers.set(to, headers)
    return headers
  }

  /** Gives the client what an answer of Annul's has for it. */
  giveBack(headers: Headers): void {
    for (const cookie of headers.getSetCookie()) this.#response.appendHeader('set-cookie', cookie)
    for (const name of givenBack) {
      const value = headers.get(name)
      if (value !== null) this.#response.appendHeader(name, value)
    }
  }

  /** Keeps `extensions.annul` of a subrequest: the last renewed token, and the longest wait for all nodes. */
  keepExtension(extension: Readonly<Record<string, unknown>>): void {
    const waits = [this.#extension, extension].map(one => one?.revokedOnAllNodesMs)
    const longest = Math.max(...waits.map(wait => (typeof wait === 'number' ? wait : -1)))
    this.#extension = {
      ...this.#extension,
      ...extension,
      ...(longest >= 0 && { revokedOnAllNodesMs: longest }),
    }
  }

  /** What stands in `extensions.annul` of the client's answer. */
  get extension(): Readonly<Record<string, unknown>> | undefined {
    return this.#extension
  }
}

/** What the context of an operation holds for the gateway's subrequests. An app adds its own keys beside `annul`. */
export interface GatewayContext {
  readonly annul: CarriedRequest
}

/** @internal @throws TypeError: nobody may be sent to a service without what says on whose behalf */
export function passageOf(context: unknown): Passage {
  const { annul } = Object(context)
  if (annul instanceof Passage) return annul
  throw new TypeError(
    'The context of the operation has no "annul" of the gateway: make it by `await gateway.context(…)`, or add the plugin.',
  )
}
