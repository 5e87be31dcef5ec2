import type { GraphiQLProps } from 'graphiql'
import { type IntrospectionQuery, parse } from 'graphql'
import { failureOf } from '../data/failure.ts'
import { noteOutage } from '../data/outage.ts'
import { noteToken } from '../data/tokenLog.ts'
import { session } from '../session.ts'
import { endpoint } from '../settings.ts'
import { loadGuards } from './guards.ts'
import { showGuards } from './showGuards.ts'
import { subscribe } from './subscribe.ts'

type Fetcher = GraphiQLProps['fetcher']
type Params = Parameters<Fetcher>[0]

/** The name of the operation by which GraphiQL reads the schema. */
export const introspectionName = 'SchemaOfTheConsole'

/**
 * Sends what is run: subscriptions over the page's socket, all else by the session's `fetch`, as any page of an app does.
 * What goes wrong on the way is an answer with errors, too.
 */
export const fetcher: Fetcher = async (params, { headers } = {}) => {
  if (isSubscription(params)) return subscribe(params)
  const answer = await send(params, headers)
  if (params.operationName !== introspectionName || !isIntrospection(answer)) return answer
  return { ...answer, data: showGuards(answer.data, await loadGuards()) }
}

async function send(params: Params, headers: Readonly<Record<string, string>> = {}): Promise<object> {
  try {
    const response = await session.fetch(endpoint, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json', ...headers },
      body: JSON.stringify(params),
    })
    const answer = await response.json()
    noteOutage(answer.errors?.[0] ? failureOf(answer.errors[0]).isOutage : false)
    await lookAtToken()
    return answer
  } catch (error) {
    const failure = failureOf(error)
    noteOutage(failure.isOutage)
    return { errors: [{ message: failure.message, extensions: { code: failure.code } }] }
  }
}

/** Notes the token that the session has now. Asked after an operation, so that looking alone causes no refresh. */
export async function lookAtToken(): Promise<void> {
  const headers = await session.headers().catch(() => undefined)
  const token = headers?.authorization?.slice('Bearer '.length)
  // Headers without a token change nothing: the end of a session is noted when it comes, and the token of a sign-in is noted
  // with the answer, before the session gives it.
  if (token !== undefined || headers === undefined) noteToken(token)
}

function isSubscription({ query, operationName }: Params): boolean {
  try {
    const operations = parse(query).definitions.filter(({ kind }) => kind === 'OperationDefinition')
    return operations.some(
      definition =>
        'operation' in definition &&
        definition.operation === 'subscription' &&
        (!operationName || definition.name?.value === operationName),
    )
  } catch {
    // The server says what is wrong with the text.
    return false
  }
}

function isIntrospection(answer: object): answer is { data: IntrospectionQuery } {
  return '__schema' in Object(Object(answer).data)
}
