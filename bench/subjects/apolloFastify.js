import { ApolloServer } from '@apollo/server'
import { fastifyApolloHandler } from '@as-integrations/fastify'
import { fastify } from 'fastify'
import { insidesOf, openAuth, withoutInsides } from '../../dist/auth.js'
import { readConfig } from '../../dist/index.js'
import { openExtension, requests } from './annul.js'

/* Annul in an app on Apollo Server and Fastify, with the fields of Annul's own server in this bench. */

const log = { info() {}, warn() {}, error() {} }

/** @param settings environment variables; bare: Apollo Server alone, with the unguarded field of the same schema */
export async function start({ bare = false, ...settings }) {
  const auth = withoutInsides(await openAuth(readConfig(settings), log))
  const apollo = new ApolloServer({ schema: auth.schema(openExtension), ...(!bare && auth.apollo()) })
  await apollo.start()
  const app = fastify()
  const context = bare ? async () => ({}) : auth.context
  app.route({ url: '/graphql', method: ['GET', 'POST'], handler: fastifyApolloHandler(apollo, { context }) })
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  return { url, calls: { requests: requests(insidesOf(auth)) } }
}
