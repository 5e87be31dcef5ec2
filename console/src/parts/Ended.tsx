import { useSession } from 'annul/client/react'
import { texts } from '../texts/en.ts'

const { signIn } = texts

/** Why the session has ended while the page was open. A person who has signed out here knows. */
export function Ended() {
  const { reason } = useSession()
  if (!reason || reason === 'LOGGED_OUT') return null
  return (
    <div role="alert" className="notice">
      <p>
        <strong>{signIn.ended}</strong> {signIn.reasons[reason]}
      </p>
      <p>
        <a href="#/docs/errors/UNAUTHENTICATED">
          <code>{reason}</code>
        </a>
      </p>
    </div>
  )
}
