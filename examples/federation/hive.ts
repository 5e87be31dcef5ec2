import { createServer } from 'node:http'
import { createGatewayRuntime } from '@graphql-hive/gateway-runtime'
import { composeServices } from '@theguild/federation-composition'
import { parse } from 'graphql'
import { startAnnul } from './annul.js'
import { forwarded } from './forward.js'
import { startOrders } from './orders.js'

/** A subgraph's own SDL. Where a registry composes, `npx annul schema --format federation` gives it Annul's. */
async function readSdl(url: string): Promise<string> {
  const body = JSON.stringify({ query: '{ _service { sdl } }' })
  const headers = { 'content-type': 'application/json' }
  const { data } = await (await fetch(url, { method: 'POST', headers, body })).json()
  return data._service.sdl
}

const services = await Promise.all(
  Object.entries({ annul: await startAnnul(), orders: await startOrders() }).map(async ([name, url]) => ({
    name,
    url,
    typeDefs: parse(await readSdl(url)),
  })),
)
const { supergraphSdl, errors } = composeServices(services)
if (supergraphSdl === undefined) throw new Error(errors?.map(({ message }) => message).join('\n'))

const gateway = createGatewayRuntime({
  supergraph: supergraphSdl,
  propagateHeaders: {
    fromClientToSubgraphs: ({ request }) => forwarded(name => request.headers.get(name)),
    fromSubgraphsToClient: ({ response }) => ({ 'set-cookie': response.headers.getSetCookie() }),
  },
})
const server = createServer(gateway)
server.listen(Number(process.env.PORT ?? 4000), () => {
  const address = server.address()
  if (typeof address === 'object') console.log(`Ready at http://localhost:${address?.port}/graphql`)
})
