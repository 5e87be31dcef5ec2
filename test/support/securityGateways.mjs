/*
 * Runs in the folder of examples/federation: one supergraph with @authenticated, @requiresScopes and @policy, given to
 * Apollo's gateway and to Hive's. Writes what they say, as one line of JSON.
 */
import { ApolloGateway } from '@apollo/gateway'
import { createGatewayRuntime } from '@graphql-hive/gateway-runtime'
import { composeServices } from '@theguild/federation-composition'
import { startServer } from 'annul'
import { createGateway } from 'annul/gateway'
import { gatewayPlugin } from 'annul/gateway/hive'
import { AuthError, createVerifier } from 'annul/verify'
import { parse } from 'graphql'

const settings = { port: 0, host: '127.0.0.1', federation: true, introspection: true }
const annul = await startServer(settings, {
  logLevel: 'silent',
  extension: {
    federation: { security: 'apollo' },
    typeDefs: 'extend type Query { notes: String @auth(scopes: [["notes:read"]]) }',
    resolvers: { Query: { notes: () => 'notes' } },
  },
})
const url = `${annul.url}/graphql`
const verifier = createVerifier({ nodes: [annul.url], service: process.env.ANNUL_SERVICE, audience: 'annul' })
await verifier.ready

async function ask(to, query, token) {
  const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) }
  const init = { method: 'POST', headers, body: JSON.stringify({ query }) }
  return (await (to ? to.fetch('http://gateway.example/graphql', init) : fetch(url, init))).json()
}

const { data } = await ask(undefined, '{ _service { sdl } }')
const { supergraphSdl, errors } = composeServices([
  { name: 'annul', url, typeDefs: parse(data._service.sdl) },
])
if (supergraphSdl === undefined) throw new Error(JSON.stringify(errors))

const apollo = await new ApolloGateway({ supergraphSdl, logger: quiet() }).load({ apollo: {} }).then(
  () => 'started',
  error => String(error.message).match(/^feature \S+ is for: SECURITY but is unsupported$/gm),
)

let asked = 0
const hive = createGatewayRuntime({
  supergraph: supergraphSdl,
  logging: false,
  plugins: () => [
    gatewayPlugin(createGateway()),
    // Other than the gateway's own requests.
    { onSubgraphExecute: () => void asked++ },
  ],
  genericAuth: {
    mode: 'protect-granular',
    async resolveUserFn({ request }) {
      const [, token] = /^Bearer (\S+)$/.exec(request.headers.get('authorization') ?? '') ?? []
      const sender = await verifier.decide(token)
      return sender instanceof AuthError ? null : sender
    },
    extractScopes: sender => [...(sender?.scopes ?? [])],
    extractPolicies: sender => (sender?.roles ?? []).map(role => `role:${role}`),
  },
})

const input = `{ email: "user@example.com", password: "a password of one user" }`
const first = await ask(hive, `mutation { register(input: ${input}) { accessToken user { id } } }`)
const { accessToken, user } = first.data.register
const users = '{ users(first: 1) { edges { cursor } } }'

/** What the client reads, and how often Annul was asked. */
async function told(query, token) {
  asked = 0
  const { data, errors } = await ask(hive, query, token)
  return { data, codes: errors?.map(({ extensions }) => extensions?.code), asked }
}

const answers = {
  anonymous: await told('{ me { id } }'),
  own: await told('{ me { id } }', accessToken),
  withoutRole: await told(users, accessToken),
  withoutScope: await told('{ notes }', accessToken),
}
await verifier.close()
await hive[Symbol.asyncDispose]()
await annul.close()
process.stdout.write(`\n${JSON.stringify({ apollo, userId: user.id, ...answers })}\n`)

function quiet() {
  return { debug() {}, info() {}, warn() {}, error() {} }
}
