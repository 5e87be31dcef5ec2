import { type Exchange, makeOperation, mapExchange } from '@urql/core'
import type { Session } from './types.ts'

/**
 * An exchange for `@urql/core` that sends operations by `session.fetch`. Place it before the fetchExchange. An operation
 * whose context has a `fetch` already keeps that one.
 *
 * @example
 * const client = new Client({ url: '/graphql', exchanges: [cacheExchange, sessionExchange(session), fetchExchange] })
 */
export function sessionExchange(session: Pick<Session, 'fetch'>): Exchange {
  return mapExchange({
    onOperation: operation =>
      makeOperation(operation.kind, operation, {
        ...operation.context,
        fetch: operation.context.fetch ?? session.fetch,
      }),
  })
}
