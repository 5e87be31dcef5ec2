import { refuseUnknownOptions } from '../names.ts'
import { type OpenGatewayContext, openGatewayContext } from './context.ts'
import type { GatewayOptions } from './options.ts'
import { openSubrequests, type Subrequests } from './subrequests.ts'

/** What a gateway in front of Annul and of other services needs. */
export interface Gateway {
  /** For the executor that asks Annul: tokens, cookies and all that the login needs, there and back. */
  readonly toAnnul: Subrequests
  /** For executors that ask other services: the access token and the client's address, and no cookies. */
  readonly toService: Subrequests
  /** Makes the context of a request on Apollo Server. Yoga and Hive Gateway get it by their plugin. */
  readonly context: OpenGatewayContext
}

/**
 * Opens the gateway kit. It costs no request of its own.
 *
 * @throws TypeError for an unknown option, or one of the wrong type
 * @example
 * const gateway = createGateway({ verifier })
 * const annul = { schema, executor: buildHTTPExecutor({ endpoint, ...gateway.toAnnul }) }
 * startStandaloneServer(apollo, { context: gateway.context })
 */
export function createGateway(options: GatewayOptions = {}): Gateway {
  refuseUnknownOptions('createGateway', options, ['verifier', 'log', 'fetch'])
  const { verifier, log, fetch } = options
  if (verifier !== undefined && typeof Object(verifier).decide !== 'function')
    throw new TypeError('The option "verifier" must have a function "decide".')
  if (log !== undefined && typeof Object(log).warn !== 'function')
    throw new TypeError('The option "log" must have a function "warn".')
  if (fetch !== undefined && typeof fetch !== 'function')
    throw new TypeError('The option "fetch" must be a function.')

  return {
    toAnnul: openSubrequests('annul', options),
    toService: openSubrequests('service', options),
    context: openGatewayContext,
  }
}
