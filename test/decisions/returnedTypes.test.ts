import { beforeEach, describe, expect, it } from '@jest/globals'
import { createClient, type FormattedExecutionResult } from 'graphql-ws'
import WebSocket from 'ws'
import { useGuardedApp } from '../support/guardedApp.ts'

/*
 * A guarded type guards each field that returns it. Who asks for `__typename` alone, and what comes of it: "runs" is a
 * resolver that was run and answered, the others are refusals before the resolver was run.
 */
const truth = `
  returned type    | asked of     | nobody        | another role | the role
  Invoice          | query        | TOKEN_MISSING | FORBIDDEN    | runs
  Invoice!         | query        | TOKEN_MISSING | FORBIDDEN    | runs
  [Invoice]        | query        | TOKEN_MISSING | FORBIDDEN    | runs
  [[Invoice!]!]!   | query        | TOKEN_MISSING | FORBIDDEN    | runs
  Paper            | query        | TOKEN_MISSING | FORBIDDEN    | runs
  [Paper!]!        | query        | TOKEN_MISSING | FORBIDDEN    | runs
  Document         | query        | TOKEN_MISSING | FORBIDDEN    | runs
  [Document]       | query        | TOKEN_MISSING | FORBIDDEN    | runs
  Note             | query        | runs          | runs         | runs
  Mixed @auth      | query        | TOKEN_MISSING | runs         | runs
  Invoice          | mutation     | TOKEN_MISSING | FORBIDDEN    | runs
  Invoice!         | mutation     | TOKEN_MISSING | FORBIDDEN    | runs
  [Invoice]        | mutation     | TOKEN_MISSING | FORBIDDEN    | runs
  [[Invoice!]!]!   | mutation     | TOKEN_MISSING | FORBIDDEN    | runs
  Paper            | mutation     | TOKEN_MISSING | FORBIDDEN    | runs
  [Paper!]!        | mutation     | TOKEN_MISSING | FORBIDDEN    | runs
  Document         | mutation     | TOKEN_MISSING | FORBIDDEN    | runs
  [Document]       | mutation     | TOKEN_MISSING | FORBIDDEN    | runs
  Note             | mutation     | runs          | runs         | runs
  Mixed @auth      | mutation     | TOKEN_MISSING | runs         | runs
  Invoice          | subscription | TOKEN_MISSING | FORBIDDEN    | runs
  Invoice!         | subscription | TOKEN_MISSING | FORBIDDEN    | runs
  [Invoice]        | subscription | TOKEN_MISSING | FORBIDDEN    | runs
  Paper            | subscription | TOKEN_MISSING | FORBIDDEN    | runs
  [Document]       | subscription | TOKEN_MISSING | FORBIDDEN    | runs
  Note             | subscription | runs          | runs         | runs
  Mixed @auth      | subscription | TOKEN_MISSING | runs         | runs
`
type Operation = 'query' | 'mutation' | 'subscription'
type Row = [returned: string, operation: Operation, nobody: string, another: string, theRole: string]
const table = truth
  .trim()
  .split('\n')
  .slice(1)
  .map(line => line.split('|').map(cell => cell.trim()) as Row)

/** The field of a row, by its number: `field3`. */
const fieldOf = (row: Row) => `field${table.indexOf(row)}`
const rowsOf = (operation: Operation) => table.filter(row => row[1] === operation)
const sdlOf = (type: string, operation: Operation) =>
  `extend type ${type} { ${rowsOf(operation)
    .map(row => `${fieldOf(row)}: ${row[0]}`)
    .join(' ')} }`

const typeDefs = `
  ${sdlOf('Query', 'query')}
  ${sdlOf('Mutation', 'mutation')}
  ${sdlOf('Subscription', 'subscription')}
  type Invoice implements Paper @auth(roles: ["clerk", "chief"]) { id: ID }
  type Receipt implements Paper @auth(roles: ["chief", "clerk"]) { id: ID }
  type Note { id: ID }
  interface Paper { id: ID }
  union Document = Invoice | Receipt
  union Mixed = Invoice | Note
`

/** The fields whose resolver was run: each is a side effect. */
let run: string[] = []

function answerOf(returned: string): unknown {
  const value = { __typename: returned.startsWith('Note') ? 'Note' : 'Invoice', id: '1' }
  const depth = returned.match(/^\[*/)?.[0].length ?? 0
  return depth === 2 ? [[value]] : depth === 1 ? [value] : value
}

const resolverOf = (row: Row) => () => {
  run.push(fieldOf(row))
  return answerOf(row[0])
}
const subscriberOf = (row: Row) => ({
  async *subscribe() {
    run.push(fieldOf(row))
    yield { [fieldOf(row)]: answerOf(row[0]) }
  },
})
const resolversOf = <T>(operation: Operation, make: (row: Row) => T) =>
  Object.fromEntries(rowsOf(operation).map(row => [fieldOf(row), make(row)]))

const app = useGuardedApp({
  typeDefs,
  resolvers: {
    Query: resolversOf('query', resolverOf),
    Mutation: resolversOf('mutation', resolverOf),
    Subscription: resolversOf('subscription', subscriberOf),
  },
})
beforeEach(() => {
  run = []
})

/** The first that a subscription tells. */
async function listen(query: string, token: string | undefined): Promise<unknown> {
  const client = createClient({
    url: `${app.url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    connectionParams: token === undefined ? {} : { accessToken: token },
  })
  try {
    return await new Promise((resolve, reject) =>
      client.subscribe(
        { query },
        { next: resolve, error: resolve, complete: () => reject(new Error('Nothing.')) },
      ),
    )
  } finally {
    await client.dispose()
  }
}

async function outcomeOf(row: Row, token: string | undefined): Promise<string> {
  const query = `${row[1]} { ${fieldOf(row)} { __typename } }`
  const answer =
    row[1] === 'subscription'
      ? await listen(query, token)
      : await app.send(query, token === undefined ? {} : { token })
  const { data, errors } = answer as FormattedExecutionResult
  const [error] =
    errors ?? (Array.isArray(answer) ? (answer as FormattedExecutionResult['errors'] & object) : [])
  if (error) return String(error.extensions?.reason ?? error.extensions?.code)
  expect(JSON.stringify(data)).toContain('"__typename"')
  return 'runs'
}

describe('A field that returns a guarded type is decided before its resolver runs', () => {
  it.each(table.map(row => ({ returned: row[0], operation: row[1], row })))(
    '$returned, asked of a $operation',
    async ({ row }) => {
      const [, , ...expected] = row
      const outcomes = [await outcomeOf(row, undefined)]
      for (const role of ['reader', 'clerk']) outcomes.push(await outcomeOf(row, await app.tokenWith([role])))
      expect(outcomes).toEqual(expected)
      expect(run).toEqual(expected.filter(outcome => outcome === 'runs').map(() => fieldOf(row)))
    },
  )
})
