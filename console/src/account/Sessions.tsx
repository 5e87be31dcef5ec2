import { useSession } from 'annul/client/react'
import { useState } from 'react'
import { type ListedSession, sessionFields } from '../data/listedSession.ts'
import { useSessionEvents } from '../data/ownSessions.ts'
import { useAsked } from '../data/useAsked.ts'
import { Awaited } from '../parts/Awaited.tsx'
import { Said } from '../parts/Said.tsx'
import { settings } from '../settings.ts'
import { texts } from '../texts/en.ts'
import { SessionCard } from './SessionCard.tsx'
import { SignOutMany } from './SignOutMany.tsx'

const text = texts.account.session

/** For events that are lost, for example of a session that opens while the subscription begins. */
const everyMs = 15_000

/** The viewer's sessions as cards. They end live when they end elsewhere, and new ones appear. */
export function Sessions() {
  const { user } = useSession()
  const asked = useAsked<{ sessions: readonly ListedSession[] }>(
    `query Sessions { sessions { ${sessionFields} } }`,
    {},
    { everyMs },
  )
  const { data, reload } = asked
  const [ended, setEnded] = useState<ReadonlyMap<string, Ended>>(new Map())
  const [said, setSaid] = useState<string>()
  const end = (session: ListedSession, reason: string) => {
    // The first reason is the one that the server keeps.
    setEnded(ended => (ended.has(session.id) ? ended : new Map(ended).set(session.id, { session, reason })))
    setSaid(text.saidEnded(session.device ?? text.unknownDevice))
  }
  useSessionEvents(event => {
    if (event?.kind === 'ENDED') end(event.session, event.reason ?? '')
    else reload()
  })
  if (!user) return null

  const live = data?.sessions.filter(({ id }) => !ended.has(id)) ?? []
  return (
    <>
      <h1>{text.heading}</h1>
      <p className="lead">{settings.subscriptions ? text.live : text.asked}</p>
      <Awaited asked={asked} />
      {data && <SignOutMany isAlone={live.length < 2} onSaid={setSaid} />}
      <Said text={said} />
      <ul className="cards">
        {[...live, ...[...ended.values()].map(({ session }) => session)].sort(byPlace).map(session => (
          <SessionCard
            key={session.id}
            session={session}
            endReason={ended.get(session.id)?.reason}
            onEnded={ms => {
              end(session, 'SESSION_REVOKED')
              if (ms !== undefined)
                setSaid(
                  `${text.saidEnded(session.device ?? text.unknownDevice)} ${text.saidNodes(Math.round(ms))}`,
                )
            }}
          />
        ))}
      </ul>
    </>
  )
}

interface Ended {
  readonly session: ListedSession
  readonly reason: string
}

/** An order that no use changes, so that a card stays where the eye and the keyboard are: this one, then the newest. */
function byPlace(one: ListedSession, other: ListedSession): number {
  if (one.current !== other.current) return one.current ? -1 : 1
  return one.createdAt < other.createdAt ? 1 : -1
}
