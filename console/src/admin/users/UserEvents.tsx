import { useEffect, useRef } from 'react'
import { useAsked } from '../../data/useAsked.ts'
import { Busy } from '../../parts/Busy.tsx'
import { FailureNote } from '../../parts/FailureNote.tsx'
import { texts } from '../../texts/en.ts'
import { type EventConnection, EventTable } from '../audit/EventTable.tsx'
import { eventsQuery } from '../audit/eventsQuery.ts'
import { PageButtons } from '../parts/PageButtons.tsx'
import { usePages } from '../parts/usePages.ts'

/** What happened to one user. @param props.turn asks again when it changes */
export function UserEvents({ userId, turn }: { userId: string; turn: number }) {
  const { oneUser, events } = texts.admin
  const pages = usePages(userId)
  const { data, failure, isBusy, reload } = useAsked<{ auditEvents: EventConnection }>(eventsQuery, {
    userId,
    kind: null,
    first: 10,
    after: pages.after,
  })
  const former = useRef(turn)
  useEffect(() => {
    if (former.current !== turn) reload()
    former.current = turn
  }, [turn, reload])
  const found = data?.auditEvents
  return (
    <section aria-labelledby="events">
      <div className="row spread">
        <h2 id="events">{oneUser.events}</h2>
        <a href={`#/admin/audit/user/${userId}`}>{oneUser.allEvents}</a>
      </div>
      <FailureNote failure={failure} />
      <PageButtons pages={pages} info={found?.pageInfo} />
      {found === undefined && isBusy && <Busy />}
      {found && <EventTable events={found.edges.map(({ node }) => node)} empty={events.noneYet} />}
    </section>
  )
}
