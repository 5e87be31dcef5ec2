import { createVerifier, type Verifier } from 'annul/verify'
import { startAnnul } from './annul.js'
import { startOrders } from './orders.js'

/* In one process for the example; usually `annul serve` and each service run by themselves. */

const annul = await startAnnul()

/** Decides about tokens from memory, in the gateway and in `orders`. */
export const verifier: Verifier = createVerifier({
  nodes: [annul],
  // Made by: annul create-service shop --rights feed,introspect
  service: process.env.ANNUL_SERVICE ?? '',
  audience: 'annul',
})
await verifier.ready

export const subgraphs = [
  { name: 'annul', url: `${annul}/graphql` },
  { name: 'orders', url: await startOrders(verifier) },
]
