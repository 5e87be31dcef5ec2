import { createServer } from 'node:http'
import express from 'express'
import { annulExpress } from '../../src/servers/express.ts'
import { listenWith } from './contract/listenWith.ts'
import { serving } from './contract/server.ts'
import { bySocket } from './contract/subscribe.ts'
import { describeContract } from './contract.ts'

const start = serving(async (auth, schema) => {
  const app = express()
  const server = createServer(app)
  app.use(annulExpress(auth, { schema, server }))
  return listenWith(server)
})

describeContract('annulExpress', start, { subscribe: bySocket })
