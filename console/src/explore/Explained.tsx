import { useGraphiQL } from '@graphiql/react'
import { useEffect, useState } from 'react'
import { type Failure, failureOf } from '../data/failure.ts'
import { FailureNote } from '../parts/FailureNote.tsx'
import { useProve } from '../parts/StepUp.tsx'
import { texts } from '../texts/en.ts'

const { explore } = texts

/** How many errors of one answer are explained. */
const most = 5

/** Below the answer: what each of its errors means and what to do, or what is being waited for. */
export function Explained() {
  const { response, isFetching, isSubscribed } = useGraphiQL(
    ({ tabs, activeTabIndex, isFetching, subscription }) => ({
      response: tabs[activeTabIndex]?.response,
      isFetching,
      isSubscribed: subscription !== null,
    }),
  )
  const prove = useProve()
  const failures = failuresOf(response)
  return (
    <section className="explained" aria-label={explore.explained}>
      <Waiting isFetching={isFetching} isSubscribed={isSubscribed} />
      {failures.slice(0, most).map(failure => (
        <div key={`${failure.code} ${failure.reason} ${failure.argument} ${failure.message}`}>
          <FailureNote failure={failure} />
          <p>
            {explore.codes[failure.code]} {failure.reason && explore.reasons[failure.reason]}
          </p>
          {failure.recover === 'REAUTHENTICATE' && (
            <button type="button" onClick={() => void prove()}>
              {explore.prove}
            </button>
          )}
        </div>
      ))}
      {failures.length > most && <p className="soft">{explore.more(failures.length - most)}</p>}
    </section>
  )
}

/** A word for a wait of more than a second, and for a subscription that is open. */
function Waiting({ isFetching, isSubscribed }: { isFetching: boolean; isSubscribed: boolean }) {
  const [isLong, setLong] = useState(false)
  useEffect(() => {
    setLong(false)
    if (!isFetching) return
    const timer = setTimeout(() => setLong(true), 900)
    return () => clearTimeout(timer)
  }, [isFetching])
  return (
    <p role="status">{isSubscribed ? explore.subscribed : isFetching && isLong ? explore.waiting : ''}</p>
  )
}

/** One for each different error of the answer. */
function failuresOf(response: string | null | undefined): readonly Failure[] {
  try {
    const errors: unknown[] = JSON.parse(response || '{}').errors ?? []
    const failures = errors.map(failureOfGraphQL)
    return [
      ...new Map(
        failures.map(each => [`${each.code} ${each.reason} ${each.argument} ${each.message}`, each]),
      ).values(),
    ]
  } catch {
    return []
  }
}

/** An error of GraphQL itself may have no code. */
function failureOfGraphQL(error: unknown): Failure {
  const { message, extensions } = Object(error)
  return failureOf({ message, extensions: { code: 'GRAPHQL_VALIDATION_FAILED', ...extensions } })
}
