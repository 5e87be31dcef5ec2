import { once } from 'node:events'
import { createServer } from 'node:http'
import { createYoga } from 'graphql-yoga'
import { insidesOf, openAuth, withoutInsides } from '../../dist/auth.js'
import { readConfig } from '../../dist/index.js'
import { annulYoga } from '../../dist/servers/yoga.js'
import { openExtension, requests } from './annul.js'

/* Annul in an app on GraphQL Yoga, with the fields of Annul's own server in this bench. */

const log = { info() {}, warn() {}, error() {} }

/** @param settings environment variables */
export async function start(settings) {
  const auth = withoutInsides(await openAuth(readConfig(settings), log))
  const yoga = createYoga({ schema: auth.schema(openExtension), plugins: [annulYoga(auth)], logging: false })
  return { url: await listen(yoga), calls: { requests: requests(insidesOf(auth)) } }
}

/** @returns the URL */
export async function listen(handler) {
  const server = createServer(handler)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `http://127.0.0.1:${server.address().port}`
}
