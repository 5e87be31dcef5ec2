import { useGraphiQL } from '@graphiql/react'
import { useEffect, useState } from 'react'
import { FailureNote } from '../parts/FailureNote.tsx'
import { texts } from '../texts/en.ts'
import { type Explanation, explanationsOf } from './explanations.ts'

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
  const explanations = explanationsOf(response)
  return (
    <section className="explained" aria-label={explore.explained}>
      <Waiting isFetching={isFetching} isSubscribed={isSubscribed} />
      {explanations.slice(0, most).map(explanation => (
        <Explain key={explanation.key} explanation={explanation} />
      ))}
      {explanations.length > most && <p className="soft">{explore.more(explanations.length - most)}</p>}
    </section>
  )
}

function Explain({ explanation: { failure, required, places } }: { explanation: Explanation }) {
  const { code, reason, argument } = failure
  return (
    <>
      <FailureNote failure={failure} />
      <p>
        {explore.codes[code]} {reason && explore.reasons[reason]}
      </p>
      <dl className="facts">
        {places.length > 0 && (
          <>
            <dt>{explore.place}</dt>
            <dd>
              <code>{places.join(', ')}</code>
            </dd>
          </>
        )}
        {argument && (
          <>
            <dt>{explore.argument}</dt>
            <dd>
              <code>{argument}</code>
            </dd>
          </>
        )}
        {required && (
          <>
            <dt>{explore.required}</dt>
            <dd>{required}</dd>
          </>
        )}
      </dl>
    </>
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
