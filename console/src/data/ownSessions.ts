import { useSession } from 'annul/client/react'
import { useEffect, useRef } from 'react'
import { settings } from '../settings.ts'
import { type ListedSession, sessionFields } from './listedSession.ts'
import { follow } from './socket.ts'
import { lookIfStillThere } from './stillThere.ts'

export interface OwnSessionEvent {
  readonly kind: 'OPENED' | 'ENDED'
  readonly session: ListedSession
  readonly reason: string | null
}

/** @param event undefined: events may be missing */
type Listener = (event: OwnSessionEvent | undefined) => void

/** How often the server is asked where it takes no subscriptions. */
const everyMs = 15_000

const listeners = new Set<Listener>()
const tell = (event?: OwnSessionEvent) => {
  for (const listener of listeners) listener(event)
}

/**
 * Follows the viewer's sessions as long as somebody is signed in. The server closes the socket when this session ends, so
 * that the page knows at once, and why. For the whole page, once.
 */
export function useFollowedSessions(): void {
  const { user } = useSession()
  const id = user?.id
  useEffect(() => {
    if (id === undefined) return
    if (!settings.subscriptions) {
      const timer = setInterval(() => void lookIfStillThere(), everyMs)
      return () => clearInterval(timer)
    }
    return follow<{ sessionEvents: OwnSessionEvent }>(
      `subscription OwnSessions { sessionEvents { kind reason session { ${sessionFields} } } }`,
      ({ sessionEvents }) => tell(sessionEvents),
      () => tell(),
    )
  }, [id])
}

/** Calls the listener with each event of the viewer's sessions, while the component is shown. */
export function useSessionEvents(listener: Listener): void {
  const latest = useRef(listener)
  useEffect(() => {
    latest.current = listener
  })
  useEffect(() => {
    const hear: Listener = event => latest.current(event)
    listeners.add(hear)
    return () => void listeners.delete(hear)
  }, [])
}
