import { StrictMode, useDeferredValue, useLayoutEffect, useState } from 'react'
import { SessionProvider, SignedIn, SignedOut, useSession } from '../../../src/client/react.ts'
import type { Session } from '../../../src/client/types.ts'

/** What happened in the page, for the test to look at. */
export interface Notes {
  /** What `useSession` returned, in turn. */
  readonly returned: unknown[]
  /** The status that each row of the list showed at each commit. */
  readonly committed: string[]
  isLoggedOut: boolean
}

interface Props {
  readonly session: Session
  readonly notes: Notes
}

/** An app with all of `annul/client/react`: the same on the server and in the browser. */
export function App({ session, notes }: Props) {
  return (
    <StrictMode>
      <SessionProvider session={session}>
        <Status notes={notes} />
        <SignedIn>{user => <p id="user">{user.email}</p>}</SignedIn>
        <SignedIn>
          <p id="members">For members</p>
        </SignedIn>
        <SignedOut>{reason => <p id="reason">{`Signed out: ${reason}`}</p>}</SignedOut>
        <List session={session} notes={notes} />
      </SessionProvider>
    </StrictMode>
  )
}

export function Status({ notes }: Pick<Props, 'notes'>) {
  const [clicks, click] = useState(0)
  const returned = useSession()
  notes.returned.push(returned)
  return (
    <button id="status" type="button" onClick={() => click(clicks + 1)}>
      {`${returned.status} ${clicks}`}
    </button>
  )
}

/** Three rows that are rendered concurrently. The session ends while the second row is rendered. */
function List({ session, notes }: Props) {
  const [isWanted, want] = useState(false)
  const isShown = useDeferredValue(isWanted)
  const logOut = () => {
    if (!notes.isLoggedOut) void session.logout()
    notes.isLoggedOut = true
  }
  return (
    <>
      <button id="list" type="button" onClick={() => want(true)}>
        List
      </button>
      {isShown && (
        <p id="rows">
          <Row notes={notes} />
          <Row notes={notes} beforeRender={logOut} />
          <Row notes={notes} />
        </p>
      )}
    </>
  )
}

function Row({ notes, beforeRender }: Pick<Props, 'notes'> & { beforeRender?: () => void }) {
  // Not pure, on purpose: another tab may sign out at any time.
  beforeRender?.()
  const { status } = useSession()
  useLayoutEffect(() => {
    notes.committed.push(status)
  })
  return <i>{status}</i>
}
