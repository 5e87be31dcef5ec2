import { createYoga } from 'graphql-yoga'
import { annulYoga } from '../../src/servers/yoga.ts'
import { serving } from './contract/server.ts'
import { byEvents } from './contract/subscribe.ts'
import { describeContract } from './contract.ts'
import { type Connection, serveFetch } from './serveFetch.ts'

/* Yoga inside a Fetch handler, as a route handler of Next.js or Hono calls it. */

const start = serving(async (auth, schema, { hidesAddress }) => {
  const yoga = createYoga<Connection>({
    schema,
    // The runtime's own classes, as the documentation of Yoga says for Next.js.
    fetchAPI: { Response },
    plugins: [
      annulYoga<Connection>(auth, hidesAddress ? {} : { addressOf: (_request, { address }) => address }),
    ],
  })
  return serveFetch((request, connection) => yoga.fetch(request, connection))
})

describeContract('Yoga in a Fetch handler', start, { subscribe: byEvents, hidesAddress: true })
