import { ApolloServer } from '@apollo/server'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { getIntrospectionQuery } from 'graphql'
import WebSocket from 'ws'
import { formatErrors } from '../../../src/graphql/formatErrors.ts'
import { startTestServer, type TestServer } from '../../support/server.ts'

/* What is nested or long gets an answer of ours, never the engine's "Maximum call stack size exceeded". */

/** Types that an app may have: they contain themselves, so that no depth is too deep for validation. */
const extension = {
  typeDefs: `
    input Filter { and: [Filter!] not: Filter text: String }
    scalar Anything
    type Tree { tree(filter: Filter, anything: Anything): Tree leaf: Int echo(anything: Anything): Anything }
    extend type Query { tree(filter: Filter, anything: Anything, lists: [[String]]): Tree }
  `,
  resolvers: {
    Query: { tree: () => ({}) },
    Tree: {
      tree: () => ({}),
      leaf: () => 1,
      echo: (_: unknown, { anything }: { anything: unknown }) => anything,
    },
  },
}

let server: TestServer
const lines: string[] = []
// The bound of depth is lower, and looks at documents that were parsed: it is lifted, so that only nesting is met.
beforeAll(async () => {
  server = await startTestServer({ extension, bounds: { depth: 1000 }, onLogLine: line => lines.push(line) })
})
afterAll(() => server.close())

/** As deep as 100 kB allow. */
const deepest = 99_000
const fill = (unit: string) => unit.repeat(Math.floor(deepest / unit.length))
const nested = (open: string, times: number, middle: string, close: string) =>
  open.repeat(times) + middle + close.repeat(times)

const parseFailed = (message: string | RegExp) => ({
  message: typeof message === 'string' ? message : expect.stringMatching(message),
  extensions: { code: 'GRAPHQL_PARSE_FAILED' },
})
const tooDeep = parseFailed('The operation is nested too deeply: more than 100 levels.')
const tooLong = {
  message: 'The operation has more than 2000 tokens.',
  extensions: { code: 'TOO_MANY_TOKENS' },
}
const tooDeepVariables = {
  message: 'The variables are nested too deeply: more than 100 levels.',
  extensions: { code: 'BAD_REQUEST' },
}

const documents: [string, string, object][] = [
  ['selections without an end', fill('{a'), tooDeep],
  ['selections with an end', nested('{tree', 12_000, '{leaf}', '}'), tooDeep],
  ['selections as deep as 2,000 tokens allow', nested('{tree', 660, '{leaf}', '}'), tooDeep],
  ['one selection more than is allowed', nested('{tree', 100, '{leaf}', '}'), tooDeep],
  ['lists without an end', `{tree(anything:${fill('[')}`, tooDeep],
  ['lists as deep as 2,000 tokens allow', `{tree(anything:${'['.repeat(1980)}`, tooDeep],
  ['lists with an end', `{tree(anything:${nested('[', 40_000, '', ']')}){leaf}}`, tooDeep],
  ['objects without an end', `{tree(filter:${fill('{not:')}`, tooDeep],
  ['objects with an end', `{tree(filter:${nested('{not:', 10_000, '{}', '}')}){leaf}}`, tooDeep],
  ['types of variables', `query($a:${nested('[', 40_000, 'Int', ']')}){__typename}`, tooDeep],
  ['inline fragments', `{${nested('...{', 15_000, '__typename', '}')}}`, tooDeep],
  ['default values', `query($a:Anything=${nested('[', 40_000, '', ']')}){__typename}`, tooDeep],
  ['arguments of directives', `{__typename @a(b:${nested('[', 40_000, '', ']')})}`, tooDeep],
  ['parentheses', fill('('), tooDeep],
  ['closing brackets', fill(']'), parseFailed(/^Syntax Error/)],
  ['fields in a row', `{${fill('a ')}}`, tooLong],
  ['aliases in a row', `{${fill('a:__typename ')}}`, tooLong],
  [
    'fragments in a chain',
    `{...A0}${Array.from({ length: 2000 }, (_, n) => `fragment A${n} on Query{...A${n + 1}}`).join('')}`,
    tooLong,
  ],
  ['an unfinished string', `{a(b:"${fill('{')}`, parseFailed(/^Syntax Error: Unterminated string/)],
]

/** The variables are text: the engine could not write what is nested as deeply, either. */
const parametersOf = (query: string, variables: string) =>
  `{"query":${JSON.stringify(query)},"variables":${variables}}`

async function overHttp(query: string, variables = '{}') {
  const response = await fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: parametersOf(query, variables),
  })
  return { status: response.status, text: await response.text() }
}

/** The whole message that answers a subscribe. */
async function overSocket(query: string, variables = '{}'): Promise<{ type: string; payload: unknown }> {
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws')
  const answer = await new Promise<string>((resolve, reject) => {
    socket.on('open', () => socket.send(JSON.stringify({ type: 'connection_init' })))
    socket.on('close', code => reject(new Error(`It was closed with ${code}.`)))
    socket.on('message', data => {
      const message = JSON.parse(String(data))
      if (message.type === 'connection_ack')
        socket.send(`{"id":"1","type":"subscribe","payload":${parametersOf(query, variables)}}`)
      else if (message.type !== 'ping') resolve(String(data))
    })
  })
  socket.close()
  return JSON.parse(answer)
}

describe('A document is refused with a clear message:', () => {
  it.each(documents)('%s', async (_, query, error) => {
    const { status, text } = await overHttp(query)
    expect(status).toBe(400)
    expect(JSON.parse(text).errors).toEqual([{ ...error, ...locations(text) }])
    expect(await overSocket(query)).toMatchObject({ id: '1', type: 'error', payload: [error] })
  })
})

/** Where a syntax error is: graphql's own matter. */
function locations(text: string) {
  const [{ locations }] = JSON.parse(text).errors
  return locations && { locations }
}

const variables: [string, string][] = [
  ['lists', `{"anything":${nested('[', 40_000, '', ']')}}`],
  ['objects', `{"anything":${nested('{"a":', 15_000, '1', '}')}}`],
  ['an input that contains itself', `{"filter":${nested('{"not":', 11_000, '{}', '}')}}`],
  ['an input in lists of itself', `{"filter":${nested('{"and":[', 9000, '', ']}')}}`],
  ['a list where a list of lists is wanted', `{"lists":${nested('[', 40_000, '', ']')}}`],
  ['one level more than is allowed', `{"anything":${nested('[', 100, '', ']')}}`],
  ['a variable that nobody declared', `{"other":${nested('[', 40_000, '', ']')}}`],
]
const withVariables = `query ($filter: Filter, $anything: Anything, $lists: [[String]]) {
  tree(filter: $filter, anything: $anything, lists: $lists) { leaf echo(anything: $anything) } }`

describe('Variables are refused with a clear message:', () => {
  it.each(variables)('%s', async (_, values) => {
    const { status, text } = await overHttp(withVariables, values)
    expect({ status, body: JSON.parse(text) }).toEqual({ status: 400, body: { errors: [tooDeepVariables] } })
    expect(await overSocket(withVariables, values)).toMatchObject({
      type: 'error',
      payload: [tooDeepVariables],
    })
  })

  it('in the URL too', async () => {
    const query = encodeURIComponent(withVariables)
    const values = encodeURIComponent(`{"anything":${nested('[', 200, '', ']')}}`)
    const response = await fetch(`${server.url}/graphql?query=${query}&variables=${values}`, {
      headers: { 'apollo-require-preflight': '1' },
    })
    expect(await response.json()).toEqual({ errors: [tooDeepVariables] })
  })
})

describe('What is not too deep', () => {
  it('is answered: 100 levels of a document, and of variables', async () => {
    expect((await overHttp(nested('{tree', 99, '{leaf}', '}'))).status).toBe(200)
    const filter = nested('{"not":', 98, '{}', '}')
    const list = nested('[', 99, '', ']')
    const { status, text } = await overHttp(withVariables, `{"filter":${filter},"anything":${list}}`)
    expect({ status, errors: JSON.parse(text).errors }).toEqual({ status: 200, errors: undefined })
  })

  it('is answered: brackets in texts and comments', async () => {
    const many = '{[('.repeat(5000)
    const query = `{ tree(anything: "${many}") { leaf } } # ${many}`
    expect(await overHttp(query)).toEqual({ status: 200, text: '{"data":{"tree":{"leaf":1}}}\n' })
    expect(await overSocket(query)).toMatchObject({ payload: { data: { tree: { leaf: 1 } } } })
  })

  it('is answered: introspection, whole', async () => {
    const query = getIntrospectionQuery({
      descriptions: true,
      inputValueDeprecation: true,
      specifiedByUrl: true,
    })
    expect((await overHttp(query)).status).toBe(200)
  })
})

it('The log tells of no failure of the server', () => {
  expect(lines.filter(line => JSON.parse(line).level > 30)).toEqual([])
})

it('Where an app leaves the plugin of createAuth out, the engine’s words still reach nobody', async () => {
  const logged: unknown[] = []
  const log = { info() {}, warn() {}, error: (details: object) => logged.push(details) }
  const apollo = new ApolloServer({
    typeDefs: 'scalar Anything type Query { a(b: Anything): Int }',
    formatError: formatErrors(log, { suggests: true }),
  })
  const { body } = await apollo.executeOperation({ query: `{a(b:${fill('[')}` })
  const errors = body.kind === 'single' ? body.singleResult.errors : undefined
  expect(errors).toEqual([parseFailed('The operation is nested too deeply.')])
  expect(logged).toEqual([])
  await apollo.stop()
})
