import { useSession } from 'annul/client/react'
import type { ReactNode } from 'react'
import { SignIn } from '../SignIn.tsx'
import { Busy } from './Busy.tsx'

/** Shows its children to a person who is signed in, and to others the form to sign in. */
export function ForSignedIn({ children }: { children: ReactNode }) {
  const { status } = useSession()
  if (status === 'restoring') return <Busy />
  return status === 'signedIn' ? children : <SignIn />
}
