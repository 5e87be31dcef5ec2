import { useGraphiQLActions } from '@graphiql/react'
import { useSession } from 'annul/client/react'
import { useEffect } from 'react'

/** Ends what is under way when another person signs in, and when the room is left: a subscription is its beginner's. */
export function StopWithUser() {
  const { stop } = useGraphiQLActions()
  const { user } = useSession()
  const id = user?.id
  useEffect(() => stop, [stop, id])
  return null
}
