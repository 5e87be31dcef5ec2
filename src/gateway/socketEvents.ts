import { type ExecutionResult, GraphQLError, type GraphQLFormattedError } from 'graphql'
import { storedReason, unauthenticated, unavailable } from '../errors.ts'

/**
 * The events of a subscription that Annul sends by a WebSocket (graphql-ws), for the client of a gateway. The end that a
 * dead token brings, which an executor throws, becomes the last event with its code and reason. Without it a gateway
 * would say that an unexpected error has happened.
 *
 * @param events what the executor has answered
 * @throws TypeError where these are no events
 * @example
 * const socket = buildGraphQLWSExecutor({ url: 'ws://auth:4000/graphql', connectionParams: { authorization } })
 * return socketEvents(socket(request))
 */
export function socketEvents(events: unknown): AsyncIterableIterator<ExecutionResult, undefined, undefined> {
  if (!isEvents(events)) throw new TypeError('socketEvents takes the events of a subscription.')
  const source = events[Symbol.asyncIterator]()
  let ended = false
  // Not an async generator: the `return` of a generator waits for the event that the generator waits for, and the socket
  // would outlive the client.
  return {
    async next() {
      if (ended) return { done: true, value: undefined }
      try {
        const { done = false, value } = await source.next()
        ended ||= done
        return ended ? { done: true, value: undefined } : { done: false, value }
      } catch (thrown) {
        ended = true
        return { done: false, value: { errors: errorsOf(thrown) } }
      }
    },
    async return() {
      ended = true
      await source.return?.()
      return { done: true, value: undefined }
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}

function errorsOf(thrown: unknown): readonly GraphQLError[] {
  if (Array.isArray(thrown)) return thrown.map(errorOf)
  const { code, reason } = Object(thrown)
  // How a socket of Annul's is closed: the token has died, or what is needed to decide is not there.
  const closed = code === 4401 ? unauthenticated(storedReason(String(reason))) : unavailable()
  return [errorOf({ message: closed.message, extensions: closed.extensions })]
}

function errorOf({ message, extensions }: GraphQLFormattedError): GraphQLError {
  return new GraphQLError(message, { extensions: { ...extensions } })
}

/** @internal */
export function isEvents(value: unknown): value is AsyncIterable<ExecutionResult> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value
}
