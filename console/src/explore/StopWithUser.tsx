import { useGraphiQLActions } from '@graphiql/react'
import { useSession } from 'annul/client/react'
import { useEffect, useRef } from 'react'

/**
 * Ends what is under way when another person signs in, and when the room is left: a subscription is its beginner's. At the
 * end of a session it ends by itself, with the reason as its last answer.
 */
export function StopWithUser() {
  const { stop } = useGraphiQLActions()
  const { user } = useSession()
  const beginner = useRef(user?.id)
  useEffect(() => {
    if (user === null) return
    if (beginner.current !== undefined && beginner.current !== user.id) stop()
    beginner.current = user.id
  }, [stop, user])
  useEffect(() => stop, [stop])
  return null
}
