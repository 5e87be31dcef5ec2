import { useRef, useState } from 'react'
import { useAsked } from '../../data/useAsked.ts'
import { Busy } from '../../parts/Busy.tsx'
import { FailureNote } from '../../parts/FailureNote.tsx'
import { texts } from '../../texts/en.ts'
import { LiveSwitch } from '../parts/LiveSwitch.tsx'
import { PageButtons } from '../parts/PageButtons.tsx'
import { usePages } from '../parts/usePages.ts'
import { AuditFilter } from './AuditFilter.tsx'
import { type EventConnection, EventTable } from './EventTable.tsx'
import { eventsQuery } from './eventsQuery.ts'
import type { Filter } from './filter.ts'
import { isReadingIn, useHeld } from './useHeld.ts'

const everyMs = 2000
const first = 50

/** The audit log: its first page is live, and what is new waits while the person reads. */
export function Audit({ userId, kind }: Filter) {
  const { live, events } = texts.admin
  const key = JSON.stringify([userId, kind])
  const pages = usePages(key)
  const [isLive, setLive] = useState(true)
  const isFirst = pages.number === 1
  const table = useRef<HTMLElement>(null)
  const variables = { userId: userId ?? null, kind: kind ?? null, first, after: pages.after }
  const { data, failure, isBusy } = useAsked<{ auditEvents: EventConnection }>(
    eventsQuery,
    variables,
    isFirst && isLive ? { everyMs } : {},
  )
  const { shown, show } = useHeld(data?.auditEvents, () => isReadingIn(table.current))
  const waiting = countNew(data?.auditEvents, shown)
  return (
    <>
      <h1>{texts.admin.audit}</h1>
      <AuditFilter key={key} userId={userId} kind={kind} />
      {isFirst ? (
        <LiveSwitch isLive={isLive} onChange={setLive} what={live.audit} />
      ) : (
        <p className="soft">{live.older}</p>
      )}
      <FailureNote failure={failure} />
      <div className="row waiting">
        <PageButtons pages={pages} info={shown?.pageInfo} />
        {waiting > 0 && (
          <button type="button" onClick={show}>
            {live.waiting(waiting === first ? `${waiting}+` : String(waiting))}
          </button>
        )}
      </div>
      {shown === undefined && isBusy && <Busy />}
      {shown && (
        <EventTable
          ref={table}
          events={shown.edges.map(({ node }) => node)}
          empty={userId || kind ? events.none : events.noneYet}
        />
      )}
    </>
  )
}

function countNew(fresh: EventConnection | undefined, shown: EventConnection | undefined): number {
  if (!fresh || !shown || fresh === shown) return 0
  const known = new Set(shown.edges.map(({ node }) => node.id))
  return fresh.edges.filter(({ node }) => !known.has(node.id)).length
}
