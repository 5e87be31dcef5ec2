import { createVerifier } from 'annul/verify'
import express from 'express'
import { orders } from './orders.js'
import { reviews } from './reviews.js'

/* Two services without a database, in one process. They follow the auth nodes of ANNUL_NODES. */

const verifier = createVerifier({
  nodes: (process.env.ANNUL_NODES ?? 'http://localhost:4000').split(' '),
  // Made by: annul create-service orders --rights feed,introspect
  service: process.env.ANNUL_SERVICE ?? '',
  audience: 'annul',
})
await verifier.ready

const app = express()
app.use(orders(verifier))
app.use('/graphql', reviews(verifier))
const server = app.listen(Number(process.env.PORT ?? 4001), () => {
  const address = server.address()
  if (address !== null && typeof address === 'object')
    console.log(`Ready at http://localhost:${address.port}`)
})
