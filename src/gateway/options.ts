import type { TokenVerifier } from './verifier.ts'

/** Options of createGateway. */
export interface GatewayOptions {
  /** Stops a dead token before any service is asked. Default: services decide themselves. */
  readonly verifier?: TokenVerifier | undefined
  /** Told why a service could not be asked, which no client may read. Default: nobody is told. */
  readonly log?: { warn(details: object, message: string): void } | undefined
  /** Sends the subrequests. Default: Node's own `fetch`. */
  readonly fetch?: ((url: string, init: RequestInit) => Promise<Response>) | undefined
}
