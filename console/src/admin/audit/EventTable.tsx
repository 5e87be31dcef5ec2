import type { Ref } from 'react'
import { Time } from '../../parts/Time.tsx'
import { texts } from '../../texts/en.ts'
import { Scroll } from '../parts/Scroll.tsx'
import type { PageInfo } from '../parts/usePages.ts'

export interface ListedEvent {
  readonly id: string
  readonly at: string
  readonly kind: string
  readonly userId: string | null
  readonly actorId: string | null
  readonly ipAddress: string | null
  readonly detail: string | null
}

export interface EventConnection {
  readonly edges: readonly { readonly node: ListedEvent }[]
  readonly pageInfo: PageInfo
}

export function EventTable({
  events,
  empty,
  ref,
}: {
  events: readonly ListedEvent[]
  empty: string
  ref?: Ref<HTMLElement>
}) {
  const words = texts.admin.events
  if (events.length === 0) return <p className="empty">{empty}</p>
  return (
    <Scroll ref={ref ?? null} label={words.table}>
      <table>
        <thead>
          <tr>
            <th scope="col">{words.at}</th>
            <th scope="col">{words.kind}</th>
            <th scope="col">{words.user}</th>
            <th scope="col">{words.actor}</th>
            <th scope="col">{words.address}</th>
            <th scope="col">{words.detail}</th>
          </tr>
        </thead>
        <tbody>
          {events.map(({ id, at, kind, userId, actorId, ipAddress, detail }) => (
            <tr key={id}>
              <td className="once">
                <Time at={at} isExact />
              </td>
              <td className="once">{kind}</td>
              <td>
                <UserLink id={userId} />
              </td>
              <td className="once">
                {actorId !== null && actorId === userId ? words.self : <UserLink id={actorId} />}
              </td>
              <td className="once">{ipAddress}</td>
              <td className="detail">{detail}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  )
}

/** The first part of the id tells users apart; the whole id is a title. */
function UserLink({ id }: { id: string | null }) {
  if (id === null) return '–'
  return (
    <a href={`#/admin/users/${id}`} title={id}>
      <code>{id.slice(0, 8)}</code>
    </a>
  )
}
