import { Time } from '../parts/Time.tsx'
import { texts } from '../texts/en.ts'

const text = texts.account.event

export interface OwnEvent {
  readonly id: string
  readonly at: string
  readonly kind: string
  readonly userId: string | null
  readonly actorId: string | null
  readonly sessionId: string | null
  readonly ipAddress: string | null
  readonly detail: string | null
}

/** One event, in words. A kind of a later version is shown by its name. */
export function EventItem({ event }: { event: OwnEvent }) {
  const { at, kind, userId, actorId, ipAddress, detail } = event
  const by = actorId === null ? text.byUnknown : actorId === userId ? '' : text.byOther
  return (
    <li>
      <h2>{text.kinds[kind] ?? kind}</h2>
      <span className="soft">
        <Time at={at} />
        {by && `, ${by}`}
      </span>
      {(ipAddress || detail) && (
        <dl className="facts">
          {ipAddress && (
            <>
              <dt>{text.address}</dt>
              <dd>{ipAddress}</dd>
            </>
          )}
          {detail && (
            <>
              <dt>{text.note}</dt>
              <dd>{detail}</dd>
            </>
          )}
        </dl>
      )}
    </li>
  )
}
