import { useState } from 'react'
import { useSessionEvents } from '../data/ownSessions.ts'
import { useAsked } from '../data/useAsked.ts'
import { Awaited } from '../parts/Awaited.tsx'
import { texts } from '../texts/en.ts'
import { EventItem, type OwnEvent } from './EventItem.tsx'

const text = texts.account.event

const first = 20

interface Page {
  readonly myEvents: {
    readonly edges: readonly { readonly node: OwnEvent }[]
    readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null }
  }
}

/** What happened to the viewer's account, page by page, the newest first. */
export function Events() {
  // The cursors of the pages that were left behind: the last one leads to the page that is shown.
  const [trail, setTrail] = useState<readonly string[]>([])
  const after = trail.at(-1) ?? null
  const asked = useAsked<Page>(
    `query MyEvents($first: Int!, $after: String) { myEvents(first: $first, after: $after) {
      edges { node { id at kind userId actorId sessionId ipAddress detail } } pageInfo { hasNextPage endCursor } } }`,
    { first, after },
  )
  const { data, isBusy, reload } = asked
  useSessionEvents(() => {
    if (after === null) reload()
  })
  const { edges = [], pageInfo } = data?.myEvents ?? {}
  const next = pageInfo?.hasNextPage ? pageInfo.endCursor : null
  return (
    <>
      <h1>{text.heading}</h1>
      <Awaited asked={asked} />
      {data && edges.length === 0 && <p className="empty">{text.empty}</p>}
      {data && (
        <ol className="events" aria-busy={isBusy}>
          {edges.map(({ node }) => (
            <EventItem key={node.id} event={node} />
          ))}
        </ol>
      )}
      <nav className="row" aria-label={text.pages}>
        <button
          type="button"
          aria-disabled={trail.length === 0}
          onClick={() => trail.length > 0 && setTrail(trail.slice(0, -1))}
        >
          {text.newer}
        </button>
        <button
          type="button"
          aria-disabled={next == null}
          onClick={() => next != null && setTrail([...trail, next])}
        >
          {text.older}
        </button>
      </nav>
    </>
  )
}
