import { startServer } from 'annul'
import { createGateway } from 'annul/gateway'
import { createVerifier } from 'annul/verify'
import { startApollo } from './apollo.js'
import { stitch } from './schema.js'
import { startOrders, startReviews } from './services.js'
import { startYoga } from './yoga.js'

// In one process for the example; usually `annul serve` and each service run by themselves.
const annul = await startServer({ port: 0, host: '127.0.0.1', trustedProxies: ['127.0.0.1'] })
const verifier = createVerifier({
  nodes: [annul.url],
  // Made by: annul create-service shop --rights feed,introspect
  service: process.env.ANNUL_SERVICE ?? '',
  audience: 'annul',
})
await verifier.ready
const [orders, reviews] = [await startOrders(verifier), await startReviews()]
console.log(`Orders at ${orders.endpoint}`)

const gateway = createGateway({ verifier, log: console })
const schema = stitch(gateway, `${annul.url}/graphql`, orders, reviews)
const port = Number(process.env.PORT ?? 4000)
const url =
  process.env.GATEWAY === 'yoga' ? await startYoga(schema, port) : await startApollo(schema, gateway, port)
console.log(`Ready at ${url}`)
