import { createServer } from 'node:http'
import { createGatewayRuntime } from '@graphql-hive/gateway-runtime'
import { composeServices } from '@theguild/federation-composition'
import { createGateway } from 'annul/gateway'
import { gatewayPlugin } from 'annul/gateway/hive'
import { parse } from 'graphql'
import { subgraphs, verifier } from './services.js'

/** A subgraph's own SDL. Where a registry composes, `npx annul schema --format federation` gives it Annul's. */
async function readSdl(url: string): Promise<string> {
  const body = JSON.stringify({ query: '{ _service { sdl } }' })
  const headers = { 'content-type': 'application/json' }
  const { data } = await (await fetch(url, { method: 'POST', headers, body })).json()
  return data._service.sdl
}

const services = await Promise.all(
  subgraphs.map(async ({ name, url }) => ({ name, url, typeDefs: parse(await readSdl(url)) })),
)
const { supergraphSdl, errors } = composeServices(services)
if (supergraphSdl === undefined) throw new Error(errors?.map(({ message }) => message).join('\n'))

// Annul sends events by WebSockets, with the client's own token.
const subscriptions = {
  kind: 'ws',
  options: { connectionParams: { authorization: '{context.headers.authorization}' } },
}
const gateway = createGatewayRuntime({
  supergraph: supergraphSdl,
  plugins: () => [gatewayPlugin(createGateway({ verifier, log: console }), { subgraph: 'annul' })],
  transportEntries: { annul: { options: { subscriptions } } },
})
const server = createServer(gateway)
server.listen(Number(process.env.PORT ?? 4000), () => {
  const address = server.address()
  if (address !== null && typeof address === 'object')
    console.log(`Ready at http://localhost:${address.port}/graphql`)
})
