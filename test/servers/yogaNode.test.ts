import { createYoga } from 'graphql-yoga'
import { annulYoga } from '../../src/servers/yoga.ts'
import { listenWith } from './contract/listenWith.ts'
import { serving } from './contract/server.ts'
import { byEvents } from './contract/subscribe.ts'
import { describeContract } from './contract.ts'

const start = serving(async (auth, schema, { hidesAddress }) => {
  const options = hidesAddress ? { addressOf: () => undefined } : {}
  return listenWith(createYoga({ schema, plugins: [annulYoga(auth, options)] }))
})

describeContract('Yoga on node:http', start, { subscribe: byEvents, hidesAddress: true })
