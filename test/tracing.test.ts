import { randomBytes } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-node'
import { sql } from 'drizzle-orm'
import { createYoga } from 'graphql-yoga'
import { withoutInsides } from '../src/auth.ts'
import { annulYoga } from '../src/servers/yoga.ts'
import { inSpan, traceIdOf } from '../src/tracing.ts'
import type { Account, TokensAnswer } from './support/client.ts'
import { onPostgres } from './support/database.ts'
import { useServer } from './support/server.ts'
import { until } from './support/until.ts'

const exporter = new InMemorySpanExporter()
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })

let lines: string[] = []
const server = useServer({
  onLogLine: line => lines.push(line),
  extension: {
    typeDefs: 'extend type Query { broken: String, count: Int }',
    resolvers: {
      Query: {
        broken: () => {
          throw new Error('secret words')
        },
      },
    },
  },
})
let ada: Account & TokensAnswer
beforeAll(async () => {
  ada = await server.signUp()
})
afterEach(() => {
  exporter.reset()
  lines = []
})
afterAll(() => {
  trace.disable()
  context.disable()
  propagation.disable()
})

const logout = { query: 'mutation Leave { logout }' }
const post = async (body: object, headers: Record<string, string> = {}) => {
  const response = await fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  return (await response.json()) as {
    data: Record<string, unknown> | null
    errors?: { extensions: Record<string, unknown> }[]
  }
}
const bearer = ({ accessToken }: TokensAnswer) => ({ authorization: `Bearer ${accessToken}` })

/** The spans of a request, when the request's own has ended: that happens after the answer was sent. */
async function requestSpans(count = 1): Promise<ReadableSpan[]> {
  const requests = () => exporter.getFinishedSpans().filter(({ kind }) => kind === SpanKind.SERVER)
  await until(() => requests().length >= count)
  return exporter.getFinishedSpans()
}
const named = (spans: readonly ReadableSpan[], name: string): ReadableSpan => {
  const found = spans.filter(span => span.name === name)
  expect(found.map(span => span.name)).toEqual([name])
  return found[0] as ReadableSpan
}
/** On a busy machine, `@auth` may read from the database too: the tests ask for what they are about. */
const childrenOf = (spans: readonly ReadableSpan[], parent: ReadableSpan, about = /./) =>
  spans
    .filter(span => span.parentSpanContext?.spanId === parent.spanContext().spanId)
    .map(({ name }) => name)
    .filter(name => about.test(name))
const traceIds = (spans: readonly ReadableSpan[]) => new Set(spans.map(span => span.spanContext().traceId))

describe('without a provider', () => {
  it('no log line and no error speaks of a trace', async () => {
    await post({ query: '{ broken }' })
    await until(() => lines.some(line => line.includes('"msg":"request"')))
    expect(lines.join()).not.toContain('traceId')
    expect(exporter.getFinishedSpans()).toEqual([])
  })
})

describe('with a provider, which may come after the server', () => {
  beforeAll(() => provider.register())

  it('a log-out is a chain: HTTP, operation, verb, statements and barrier', async () => {
    const account = await server.signUp()
    await requestSpans()
    exporter.reset()
    expect(await post(logout, bearer(account))).toMatchObject({ data: { logout: true } })
    const spans = await requestSpans()

    const http = named(spans, 'POST /graphql')
    expect(http.parentSpanContext).toBeUndefined()
    expect(http.attributes).toEqual({
      'http.request.method': 'POST',
      'http.route': '/graphql',
      'http.response.status_code': 200,
    })
    expect(childrenOf(spans, http, /^mutation/)).toEqual(['mutation'])
    const operation = named(spans, 'mutation')
    expect(operation.attributes).toEqual({
      'graphql.operation.type': 'mutation',
      'graphql.operation.name': 'Leave',
    })
    expect(childrenOf(spans, operation, /^annul/)).toEqual(['annul.logout'])
    const verb = named(spans, 'annul.logout')
    expect(verb.attributes).toEqual({ 'annul.verb': 'logout' })
    expect(childrenOf(spans, verb)).toEqual(
      expect.arrayContaining([
        'update sessions',
        'insert revocations',
        'insert audit_events',
        'annul.barrier',
        ...(onPostgres ? ['commit'] : []),
      ]),
    )
    expect(named(spans, 'update sessions').attributes).toEqual({
      'db.system.name': 'postgresql',
      'db.operation.name': 'update',
      'db.collection.name': 'sessions',
    })
    // One trace, and nothing beside it.
    expect(traceIds(spans).size).toBe(1)
    const ids = new Set(spans.map(span => span.spanContext().spanId))
    for (const span of spans) if (span !== http) expect(ids).toContain(span.parentSpanContext?.spanId)
  })

  it('many requests at once keep their spans apart, also when statements wait for a connection', async () => {
    const accounts = await Promise.all(Array.from({ length: 8 }, () => server.signUp()))
    await requestSpans(8)
    exporter.reset()
    const copies = 40
    await Promise.all(
      Array.from({ length: copies }, (_, at) =>
        post(
          { query: `query Number${at} { sessions { id } }` },
          bearer(accounts[at % accounts.length] as TokensAnswer),
        ),
      ),
    )
    const spans = await requestSpans(copies)
    expect(traceIds(spans).size).toBe(copies)
    for (const operation of spans.filter(({ name }) => name === 'query'))
      expect(childrenOf(spans, operation, /^annul/)).toEqual(['annul.sessions'])
    for (const verb of spans.filter(({ name }) => name === 'annul.sessions'))
      expect(childrenOf(spans, verb)).toEqual(['select sessions'])
  })

  it('transactions that wait for a connection are children of their own verb', async () => {
    const accounts = await Promise.all(Array.from({ length: 30 }, () => server.signUp()))
    await requestSpans(30)
    exporter.reset()
    await Promise.all(accounts.map(account => post(logout, bearer(account))))
    const spans = await requestSpans(accounts.length)
    const verbs = spans.filter(({ name }) => name === 'annul.logout')
    expect(verbs).toHaveLength(30)
    const writes = ['insert audit_events', 'insert revocations', 'update one_time_tokens', 'update sessions']
    const expected = ['annul.barrier', ...writes]
    for (const verb of verbs)
      expect(childrenOf(spans, verb, /^(annul|insert|update)/).toSorted()).toEqual(expected)
  })

  it('what a node does by itself is no trace', async () => {
    await server.rows(sql`select id from annul.users limit 1`)
    await server.auth.parts.db.transaction(tx => tx.execute(sql`select 1`))
    expect(exporter.getFinishedSpans()).toEqual([])
  })

  it('the trace of the sender goes on (W3C traceparent), and the log line names it', async () => {
    const traceId = randomBytes(16).toString('hex')
    const parent = randomBytes(8).toString('hex')
    await post({ query: '{ me { id } }' }, { ...bearer(ada), traceparent: `00-${traceId}-${parent}-01` })
    const spans = await requestSpans()
    expect([...traceIds(spans)]).toEqual([traceId])
    expect(named(spans, 'POST /graphql').parentSpanContext?.spanId).toBe(parent)
    const [line] = await until(
      () => lines.map(text => JSON.parse(text)).filter(({ msg }) => msg === 'request'),
      found => found.length > 0,
    )
    expect(line).toMatchObject({ traceId })
  })

  it('a malformed traceparent begins a new trace', async () => {
    for (const traceparent of ['00-1-2-01', 'x'.repeat(5000), `00-${'0'.repeat(32)}-${'0'.repeat(16)}-01`])
      await post({ query: '{ me { id } }' }, { ...bearer(ada), traceparent })
    const spans = await requestSpans(3)
    expect(traceIds(spans).size).toBe(3)
    for (const span of spans.filter(({ kind }) => kind === SpanKind.SERVER))
      expect(span.parentSpanContext).toBeUndefined()
  })

  it('INTERNAL_SERVER_ERROR and its log line name the trace', async () => {
    const { errors } = await post({ query: '{ broken }' })
    const [traceId] = traceIds(await requestSpans())
    expect(errors).toMatchObject([{ extensions: { code: 'INTERNAL_SERVER_ERROR', traceId } }])
    const failures = lines.map(line => JSON.parse(line)).filter(({ msg }) => msg === 'A request failed.')
    expect(failures).toMatchObject([{ id: errors?.[0]?.extensions.id, traceId }])
  })

  it('the trace of an error is known after its span, where no span is active any more', async () => {
    const broken = new Error('secret words')
    await expect(inSpan('verb', {}, () => Promise.reject(broken))).rejects.toBe(broken)
    const [span] = exporter.getFinishedSpans()
    expect(traceIdOf(broken)).toBe(span?.spanContext().traceId)
    expect(traceIdOf(new Error('of another'))).toBeUndefined()
    expect(span?.attributes).toEqual({ 'error.type': 'Error' })
    expect(span?.status).toEqual({ code: SpanStatusCode.ERROR })
    expect(span?.events).toEqual([])
  })

  it('a refusal is no failure, and tells its code', async () => {
    const variables = { input: { email: ada.email, password: 'a wrong password' } }
    await post({
      query: 'mutation ($input: LoginInput!) { login(input: $input) { expiresIn } }',
      variables,
    })
    const spans = await requestSpans()
    const verb = named(spans, 'annul.login')
    expect(verb.attributes).toEqual({ 'annul.verb': 'login', 'error.type': 'INVALID_CREDENTIALS' })
    expect(verb.status.code).toBe(SpanStatusCode.UNSET)
  })

  it('no span holds a token, a password, an e-mail, an id, a document or a path that was made up', async () => {
    const account = await server.signUp()
    await server.login(account)
    await server.refresh(account.refreshToken)
    await post({
      query: `mutation { login(input: { email: "${account.email}", password: "${account.password}!" }) { expiresIn } }`,
    })
    await fetch(`${server.url}/made-up-path?token=${account.accessToken}`)
    await post(logout, bearer(account))
    const spans = await requestSpans(6)
    const text = JSON.stringify(
      spans.map(({ name, attributes, events, status, links, resource }) => ({
        ...{ name, attributes, events, status, links },
        resource: resource.attributes,
      })),
    )
    const secrets = [
      ...[account.email, account.password, account.accessToken, account.refreshToken, account.userId],
      ...[account.session.id, 'expiresIn', 'made-up-path', '$1', '$argon2id'],
    ]
    for (const secret of secrets) expect(text).not.toContain(secret)
    expect(spans.length).toBeGreaterThan(20)
  })

  it('a request that the app does not sample has no trace id in the log', async () => {
    const traceId = randomBytes(16).toString('hex')
    const headers = { ...bearer(ada), traceparent: `00-${traceId}-${randomBytes(8).toString('hex')}-00` }
    await post({ query: '{ me { id } }' }, headers)
    await until(() => lines.some(line => line.includes('"msg":"request"')))
    expect(lines.join()).not.toContain(traceId)
    expect(exporter.getFinishedSpans()).toEqual([])
  })

  it('Yoga’s operations have spans under the app’s own', async () => {
    const auth = withoutInsides(server.auth)
    const yoga = createYoga({ schema: auth.schema(), plugins: [annulYoga(auth)], logging: false })
    const app = trace.getTracer('app').startSpan('app')
    const response = await context.with(trace.setSpan(context.active(), app), () =>
      yoga.fetch('http://localhost/graphql', {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...bearer(ada) },
        body: JSON.stringify({ query: 'query Mine { sessions { id } }' }),
      }),
    )
    expect(await response.json()).toMatchObject({ data: { sessions: expect.any(Array) } })
    app.end()
    const spans = exporter.getFinishedSpans()
    expect(childrenOf(spans, named(spans, 'app'))).toEqual(['query'])
    expect(childrenOf(spans, named(spans, 'query'), /^annul/)).toEqual(['annul.sessions'])
    expect(childrenOf(spans, named(spans, 'annul.sessions'))).toEqual(['select sessions'])
  })
})
