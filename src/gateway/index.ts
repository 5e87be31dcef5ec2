/**
 * `annul/gateway`: what stands between clients, Annul and other services. The plugins that finish answers are in
 * `annul/gateway/apollo` and `annul/gateway/yoga`.
 */

export type { OpenGatewayContext } from './context.ts'
export { createGateway, type Gateway } from './createGateway.ts'
export { type Destination, forwardHeaders } from './forwardHeaders.ts'
export type { GatewayOptions } from './options.ts'
export type { CarriedRequest, GatewayContext } from './passage.ts'
export { socketEvents } from './socketEvents.ts'
export type { Subrequests } from './subrequests.ts'
export type { TokenDecision, TokenVerifier } from './verifier.ts'
