import { useSession } from 'annul/client/react'
import { Fragment, type ReactNode } from 'react'
import { SignIn } from '../SignIn.tsx'
import { texts } from '../texts/en.ts'
import { Busy } from './Busy.tsx'

/** Shows its children to a person who is signed in, and to others the form to sign in. */
export function ForSignedIn({ children }: { children: ReactNode }) {
  const { status, user } = useSession()
  if (status === 'restoring')
    return (
      <>
        <h1 className="visually-hidden">{texts.app.restoring}</h1>
        <Busy />
      </>
    )
  // Another window may have signed in as somebody else: nothing of the former person stays, least of all an open form.
  return status === 'signedIn' ? <Fragment key={user.id}>{children}</Fragment> : <SignIn />
}
