import { useSession } from 'annul/client/react'
import { useState } from 'react'
import { type Failure, failureOf } from '../data/failure.ts'
import type { ListedSession } from '../data/listedSession.ts'
import { FailureNote } from '../parts/FailureNote.tsx'
import { useAct } from '../parts/StepUp.tsx'
import { Time } from '../parts/Time.tsx'
import { texts } from '../texts/en.ts'

const text = texts.account.session

/** @param props.endReason undefined while the session lives @param props.onEnded with the time until all nodes knew */
export function SessionCard({
  session,
  endReason,
  onEnded,
}: {
  session: ListedSession
  endReason: string | undefined
  onEnded: (revokedOnAllNodesMs: number | undefined) => void
}) {
  const own = useSession().session
  const act = useAct()
  const [isBusy, setBusy] = useState(false)
  const [failure, setFailure] = useState<Failure>()
  const { id, current, ipAddress, createdAt, lastUsedAt, expiresAt } = session
  const device = session.device ?? text.unknownDevice
  const isEnded = endReason !== undefined

  const end = async () => {
    if (isBusy || isEnded) return
    if (current) return void own.logout()
    setBusy(true)
    setFailure(undefined)
    try {
      const { revokedOnAllNodesMs } = await act(
        'mutation RevokeSession($id: ID!) { revokeSession(id: $id) }',
        { id },
      )
      onEnded(revokedOnAllNodesMs)
    } catch (error) {
      setFailure(failureOf(error))
    } finally {
      setBusy(false)
    }
  }

  return (
    <li className={`card session${isEnded ? ' ended' : ''}`} aria-label={device}>
      <h2>
        {device} {current && <span className="badge good">{text.current}</span>}
        {isEnded && <span className="badge bad">{text.ended}</span>}
      </h2>
      <dl className="facts">
        <dt>{text.place}</dt>
        <dd>{ipAddress ?? text.unknown}</dd>
        <dt>{text.since}</dt>
        <dd>
          <Time at={createdAt} />
        </dd>
        <dt>{text.lastUsed}</dt>
        <dd>
          <Time at={lastUsedAt} />
        </dd>
        {isEnded ? (
          <>
            <dt>{text.reason}</dt>
            <dd>{text.reasons[endReason] ?? endReason}</dd>
          </>
        ) : (
          <>
            <dt>{text.expires}</dt>
            <dd>
              <Time at={expiresAt} />
            </dd>
          </>
        )}
      </dl>
      <FailureNote failure={failure} />
      {/* The button stays when the session has ended, so that the keyboard does not lose its place. */}
      <button
        type="button"
        aria-disabled={isBusy || isEnded}
        aria-label={isEnded || current ? undefined : text.endOf(device)}
        onClick={() => void end()}
      >
        {isBusy ? texts.form.working : isEnded ? text.isEnded : current ? text.endHere : text.end}
      </button>
    </li>
  )
}
