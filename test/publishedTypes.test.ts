import { readFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { beforeAll, describe, expect, it } from '@jest/globals'
import { compile, compileAll } from './support/compile.ts'
import { root } from './support/imports.ts'

/* The types of the package `annul`, as an app sees them. */

interface PublishedFile {
  readonly path: string
  readonly text: string
}

let files: PublishedFile[] = []
let packages: string[] = []
beforeAll(async () => {
  const found = await readFrom(join(root, 'dist/index.d.ts'))
  files = found.files
  packages = found.packages
})

/** The door's declarations, and everything that they lead to. */
async function readFrom(door: string): Promise<{ files: PublishedFile[]; packages: string[] }> {
  const seen = new Map<string, string>()
  const named = new Set<string>()
  const waiting = [door]
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (seen.has(path)) continue
    const text = await readFile(path, 'utf8')
    seen.set(path, text)
    for (const [, to = ''] of text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*['"]([^'"]+)['"]/g))
      if (to.startsWith('.')) waiting.push(join(dirname(path), to).replace(/\.[jt]s$/, '.d.ts'))
      else named.add(to)
  }
  const all = [...seen].map(([path, text]) => ({ path: relative(root, path), text }))
  return { files: all, packages: [...named].sort() }
}

const app = /* TypeScript */ `
import { ApolloServer } from '@apollo/server'
import { type Auth, AuthError, type Config, createAuth, type GraphQLContext, readConfig, startServer, type Viewer } from 'annul'

interface Context extends GraphQLContext {
  readonly shop: string
}

const config: Config = readConfig({ PORT: '0' })
const auth: Auth = await createAuth(config)
const schema = auth.schema({
  typeDefs: 'extend type Query { hello: String! secret: String! @auth }',
  resolvers: {
    Query: {
      hello: async (_source: unknown, _args: unknown, context: Context) => {
        const viewer: Viewer | null = await context.auth.viewerOrNull()
        return viewer?.userId ?? context.shop
      },
      secret: (_source: unknown, _args: unknown, context: Context): string => context.auth.viewer().claims.sub,
    },
  },
})
export const apollo = new ApolloServer<GraphQLContext>({
  schema,
  ...auth.apollo(),
})
export const context: GraphQLContext = await auth.context(
  { headers: {}, socket: { remoteAddress: '::1' } },
  { appendHeader: () => {} },
)
export const codeOf = (error: unknown): string | undefined => (error instanceof AuthError ? error.code : undefined)
auth.accept({
  algorithms: ['RS256'],
  key: '-----BEGIN PUBLIC KEY-----',
  issuer: 'https://login.example.com',
  audience: null,
  subject: claims => (typeof claims.sub === 'string' ? claims.sub : null),
  until: new Date('2027-03-01'),
})
export const sessionOf = (viewer: Viewer): string => viewer.sessionId ?? 'a token of the former system'
const server = await startServer(config)
await server.close()
`

/** Apps of Fastify, of every kind that has types of its own. */
const fastifyApps = /* TypeScript */ `
import { fastify, type FastifyBaseLogger, type FastifyInstance, type FastifyPluginAsync } from 'fastify'
import { createAuth } from 'annul'
import { annulFastify, type AnnulFastifyOptions } from 'annul/fastify'

const auth = await createAuth()
const app: FastifyInstance = fastify({ logger: true })
await app.register(annulFastify, { auth })
await app.register(annulFastify, { auth, schema: auth.schema(), prefix: '/auth' })
const secure = fastify({ https: { key: '', cert: '' } })
await secure.register(annulFastify, { auth })
interface Logger extends FastifyBaseLogger { own(): void }
declare const loggerInstance: Logger
const logging = fastify({ loggerInstance })
await logging.register(annulFastify, { auth })
export const plugin: FastifyPluginAsync<AnnulFastifyOptions> = annulFastify
// @ts-expect-error: without an auth
await app.register(annulFastify, {})
// @ts-expect-error: an auth of another kind
await app.register(annulFastify, { auth: 1 })
`

const expressApp = /* TypeScript */ `
import { createServer } from 'node:http'
import express from 'express'
import { createAuth } from 'annul'
import { annulExpress } from 'annul/express'

const auth = await createAuth()
const app = express()
const server = createServer(app)
app.use(annulExpress(auth))
app.use('/auth', express.json(), annulExpress(auth, { schema: auth.schema(), server, socketPath: '/auth/graphql' }))
app.use(annulExpress(auth, { server: app.listen(4000) }))
await annulExpress(auth).ready
// @ts-expect-error: an option that is not there
annulExpress(auth, { path: '/auth' })
`

/** An app of Yoga with contexts of its own. */
const yogaApp = /* TypeScript */ `
import { createServer, type IncomingMessage } from 'node:http'
import { createYoga, type Plugin } from 'graphql-yoga'
import { createAuth, type GraphQLContext } from 'annul'
import { annulYoga } from 'annul/yoga'

interface Bindings { readonly incoming: IncomingMessage }
interface Own { readonly shop: string }
interface Context extends GraphQLContext, Own {}
const auth = await createAuth()
const schema = auth.schema({
  typeDefs: 'extend type Query { shop: String! @auth }',
  resolvers: { Query: { shop: (_source: unknown, _args: unknown, { auth, shop }: Context) => shop + auth.viewer().userId } },
})
createServer(createYoga({ schema, plugins: [annulYoga(auth)] }))
export const yoga = createYoga<Bindings, Own>({
  schema,
  context: ({ request, incoming }) => ({ shop: request.url + incoming.url }),
  plugins: [annulYoga<Bindings>(auth, { addressOf: (request, { incoming }) => request.headers.get('x-edge') ?? incoming.socket.remoteAddress })],
})
export const POST = (request: Request, incoming: IncomingMessage) => yoga.fetch(request, { incoming })
export const plugin: Plugin = annulYoga(auth)
// @ts-expect-error: without an auth
annulYoga()
// @ts-expect-error: an option that is not there
annulYoga(auth, { address: '::1' })
// @ts-expect-error: an address that comes later
annulYoga(auth, { addressOf: async () => '::1' })
`

/** A service, without peers and without types of Node. */
const service = /* TypeScript */ `
import { AuthError, createVerifier, redis, type RedisVerifierOptions, type Verifier, type VerifierOptions } from 'annul/verify'

const options: VerifierOptions = { nodes: ['https://auth.example.com'], service: '', audience: 'annul' }
const verifier: Verifier = createVerifier(options)
const decision = await verifier.decide(undefined)
export const user = decision instanceof AuthError ? decision.reason : decision.userId
const mirrored: RedisVerifierOptions = {
  revocations: redis(async words => words),
  keys: 'https://auth.example.com/.well-known/jwks.json',
  issuer: 'annul',
  audience: 'annul',
}
export const other: Verifier = createVerifier(mirrored)
// @ts-expect-error: options of both kinds
createVerifier({ ...options, ...mirrored })
// @ts-expect-error: the inside
mirrored.revocations.verdict
`

const gateways = /* TypeScript */ `
import { guardSchema } from 'annul/verify/graphql'
import { createGateway, type GatewayContext } from 'annul/gateway'
import { gatewayPlugin as ofApollo } from 'annul/gateway/apollo'
import { gatewayPlugin as ofHive } from 'annul/gateway/hive'
import { gatewayPlugin as ofYoga } from 'annul/gateway/yoga'
import { createVerifier } from 'annul/verify'
import { ApolloServer } from '@apollo/server'
import { buildSchema } from 'graphql'
import { createYoga } from 'graphql-yoga'

const verifier = createVerifier({ nodes: ['https://auth.example.com'], service: '', audience: 'annul' })
const gateway = createGateway({ verifier })
const schema = guardSchema(buildSchema('type Query { hello: String }'))
export const apollo = new ApolloServer<GatewayContext>({ schema, plugins: [ofApollo()] })
export const yoga = createYoga({ schema, plugins: [ofYoga()] })
export const hive = [ofHive(gateway, { subgraph: 'annul' })]
`

const consoles = /* TypeScript */ `
import { createAuth } from 'annul'
import { type AnnulConsole, annulConsole } from 'annul/console'
import express from 'express'
import { fastify } from 'fastify'

const auth = await createAuth()
const page: AnnulConsole = annulConsole(auth, { schema: auth.schema(), path: '/console', endpoint: '/graphql' })
express().use(page.express())
fastify().addHook('onRequest', page.fastify())
export const GET = async (request: Request): Promise<Response> =>
  (await page.fetch(request)) ?? new Response(null, { status: 404 })
`

/** Each line is an error of the app: what it reaches for is not there. */
const reachesInside = /* TypeScript */ `
import { createAuth, startServer, readConfig } from 'annul'
const auth = await createAuth()
const { auth: context } = await auth.context({ headers: {} }, { appendHeader: () => {} })
const server = await startServer(readConfig({}))
auth.parts
auth.watch
server.auth.parts
context.parts
context.decide()
context.stateOf
`

/** Names of the inside. */
const words = /\b(drizzle|Parts|RequestState|OpenedAuth|Database|UserRow|SessionRow|passwordHash)\b/i
/** Comments are for people: only what a compiler reads counts. */
const code = (text: string) => text.replace(/\/\*[\s\S]*?\*\//g, '')

describe('the published types', () => {
  it('lead to no type of the database, and to no part of the inside', () => {
    expect(packages).toEqual(['@graphql-tools/utils', 'graphql'])
    const paths = files.map(({ path }) => path)
    expect(paths).toContain('dist/auth.d.ts')
    expect(paths.filter(path => /parts|database|signingKeys/.test(path))).toEqual([])
    expect(files.filter(({ text }) => words.test(code(text))).map(({ path }) => path)).toEqual([])
  })

  it.each(['fastify', 'express'])('of annul/%s lead to no part of the inside either', async door => {
    const found = await readFrom(join(root, `dist/servers/${door}.d.ts`))
    const allowed = /^(@graphql-tools\/utils|graphql|node:(http|stream)|fastify)$/
    expect(found.packages.filter(name => !allowed.test(name))).toEqual([])
    expect(found.packages.includes('fastify')).toBe(door === 'fastify')
    expect(found.files.filter(({ text }) => words.test(code(text))).map(({ path }) => path)).toEqual([])
  })

  it.each([
    'verify/index',
    'verify/graphql',
    'gateway/index',
    'gateway/apollo',
    'gateway/yoga',
    'gateway/hive',
  ])('of annul/%s lead to no part of the inside either', async door => {
    const found = await readFrom(join(root, `dist/${door}.d.ts`))
    const allowed = /^(@graphql-tools\/utils|graphql|@apollo\/server|graphql-yoga)$/
    expect(found.packages.filter(name => !allowed.test(name))).toEqual([])
    if (door === 'verify/index') expect(found.packages).toEqual([])
    expect(found.files.filter(({ text }) => words.test(code(text))).map(({ path }) => path)).toEqual([])
  })

  it('compile in a strict service that has annul/verify alone', async () => {
    expect(await compileAll(service, [], { lib: ['es2023', 'dom'] })).toEqual([])
  })

  it('compile in strict gateways', async () => {
    const installed = ['graphql', '@apollo/server', 'graphql-yoga', '@types/node']
    expect(await compile(gateways, installed, { lib: ['esnext'], types: ['node'] })).toEqual([])
  })

  it('compile in a strict app that checks declarations too', async () => {
    expect(await compile(app)).toEqual([])
  })

  it.each([
    ['Fastify', fastifyApps, ['graphql', 'fastify']],
    ['Express', expressApp, ['graphql', 'express', '@types/express', '@types/node']],
  ])('compile in a strict app of %s that checks declarations too', async (_, source, installed) => {
    expect(await compileAll(source, installed)).toEqual([])
  })

  it('compile in a strict app of Yoga, whose own lru-cache does not', async () => {
    const errors = await compileAll(yogaApp, ['graphql', 'graphql-yoga', '@types/node'], {
      lib: ['esnext'],
      types: ['node'],
    })
    expect(errors.filter(line => !line.includes('graphql-yoga/node_modules/lru-cache/'))).toEqual([])
  })

  it('compile in a strict app that shows the console', async () => {
    const installed = ['graphql', 'express', '@types/express', 'fastify', '@types/node']
    expect(await compile(consoles, installed, { types: ['node'] })).toEqual([])
  })

  it('show no inside to an app that reaches for it', async () => {
    const errors = await compile(reachesInside)
    const missing = errors.map(line =>
      /app\.ts\((\d+),\d+\): error TS\d+: Property '(\w+)' does not exist/.exec(line),
    )
    expect(missing.map(match => match?.slice(1))).toEqual([
      ['6', 'parts'],
      ['7', 'watch'],
      ['8', 'parts'],
      ['9', 'parts'],
      ['10', 'decide'],
      ['11', 'stateOf'],
    ])
  })
})
