import { ApolloLink } from '@apollo/client/link'
import { Observable } from '@apollo/client/utilities'
import { parse } from './platform/text.ts'
import { errorsOf, isRefusal, readResults } from './requests/operation.ts'
import type { GraphQLResult, Sent, Session } from './types.ts'

/**
 * A link for Apollo Client 4: gives every operation its headers, and sends an operation once more that was refused for its
 * token, or for want of a proof that the user has given then (`onStepUp`). The link after it decides where the token goes: its `uri` must be the session's endpoint.
 *
 * @example
 * const client = new ApolloClient({ link: sessionLink(session).concat(new HttpLink({ uri: '/graphql' })), cache })
 */
export function sessionLink(session: Pick<Session, 'headers' | 'handleResult'>): ApolloLink {
  return new ApolloLink((operation, forward) => {
    const sent = describe(operation)

    return new Observable(observer => {
      let subscription: { unsubscribe(): void } | undefined
      let isClosed = false

      /** @param final whether the operation was sent after a proof, which is the last time */
      const start = async (again: boolean, final: boolean) => {
        const added = await session.headers()
        if (isClosed) return
        operation.setContext(({ headers }) => ({ headers: { ...headers, ...added } }))

        // Events are handled one at a time: the first may need a refresh before it is passed on.
        let turn = Promise.resolve()
        let isFirst = true
        let isReplaced = false
        const inTurn = (work: () => Promise<void> | void) => {
          turn = turn
            .then(() => (isClosed || isReplaced ? undefined : work()))
            .catch(error => observer.error(error))
        }
        const look = (result: unknown, pass: () => void) =>
          inTurn(async () => {
            const answer = isFirst && isResult(result) && result
            isFirst = false
            const repeat = answer && (await session.handleResult(answer, added, { ...sent, final }))
            if (isClosed) return
            const isRefused = answer && errorsOf([answer].flat()).some(isRefusal)
            if (!repeat || final || (again && isRefused)) return pass()
            // Later events of the refused request, such as its completion, must not reach the observer.
            isReplaced = true
            subscription?.unsubscribe()
            await start(true, !isRefused)
          })

        subscription = forward(operation).subscribe({
          next: result => look(result, () => observer.next(result)),
          error: error => look(resultOf(error, again), () => observer.error(error)),
          complete: () => inTurn(() => observer.complete()),
        })
      }
      start(false, false).catch(error => observer.error(error))

      return () => {
        isClosed = true
        subscription?.unsubscribe()
      }
    })
  })
}

/** Reads from the document whether the operation may be sent twice. */
function describe(operation: ApolloLink.Operation): Sent {
  // Of several operations it is not known which one is meant.
  const isOne = operation.query.definitions.filter(({ kind }) => kind === 'OperationDefinition').length < 2
  for (const definition of operation.query.definitions) {
    if (definition.kind !== 'OperationDefinition' || definition.operation !== 'mutation') continue
    const names = definition.selectionSet.selections.map(selection =>
      selection.kind === 'Field' ? [selection.name.value, (selection.alias ?? selection.name).value] : [],
    )
    return {
      kind: 'write',
      first: isOne ? names[0]?.[1] : undefined,
      fields: names.map(([name]) => name).join(' '),
    }
  }
  return { kind: 'read', fields: '' }
}

function isResult(value: unknown): value is GraphQLResult | GraphQLResult[] {
  return (
    Array.isArray(value) ||
    (typeof value === 'object' &&
      value !== null &&
      ('errors' in value || 'data' in value || 'extensions' in value))
  )
}

/** The GraphQL answers inside the error that HttpLink makes of a status such as 401 (ServerError). */
function resultOf(error: unknown, again: boolean): unknown {
  const { statusCode, bodyText = '' } = Object(error)
  return readResults(again ? 0 : statusCode, parse(bodyText))
}
