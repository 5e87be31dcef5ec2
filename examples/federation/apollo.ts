import { ApolloGateway, IntrospectAndCompose } from '@apollo/gateway'
import { ApolloServer } from '@apollo/server'
import { startStandaloneServer } from '@apollo/server/standalone'
import { createGateway, type GatewayContext } from 'annul/gateway'
import { gatewayPlugin, subgraphSource } from 'annul/gateway/apollo'
import { subgraphs, verifier } from './services.js'

const { toAnnul, toService, context } = createGateway({ verifier, log: console })
const gateway = new ApolloGateway({
  supergraphSdl: new IntrospectAndCompose({ subgraphs }),
  buildService: ({ name, url = '' }) => subgraphSource({ url, ...(name === 'annul' ? toAnnul : toService) }),
})
const apollo = new ApolloServer<GatewayContext>({
  gateway,
  plugins: [gatewayPlugin()],
  includeStacktraceInErrorResponses: false,
})
const listen = { port: Number(process.env.PORT ?? 4000) }
const { url } = await startStandaloneServer(apollo, { context, listen })
console.log(`Ready at ${url}`)
