import { useSession } from 'annul/client/react'
import type { ReactNode } from 'react'
import { SignIn } from '../SignIn.tsx'
import { texts } from '../texts/en.ts'
import { Busy } from './Busy.tsx'

/** Shows its children to a person who is signed in, and to others the form to sign in. */
export function ForSignedIn({ children }: { children: ReactNode }) {
  const { status } = useSession()
  if (status === 'restoring')
    return (
      <>
        <h1 className="visually-hidden">{texts.app.restoring}</h1>
        <Busy />
      </>
    )
  return status === 'signedIn' ? children : <SignIn />
}
