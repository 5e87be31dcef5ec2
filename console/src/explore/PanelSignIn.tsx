import { logOut } from '../data/aside.ts'
import { SignInForm } from '../parts/SignInForm.tsx'
import { session } from '../session.ts'

/** Signs in, or as another user, whose session takes the place of the present one. */
export function PanelSignIn({ onDone }: { onDone: () => void }) {
  return (
    <SignInForm
      openBy={async open => {
        const { authorization } = await session.headers().catch((): { authorization?: string } => ({}))
        const opened = await open()
        // Nobody in this browser could end the former session any more: its cookie was replaced.
        if (authorization) await logOut(authorization.slice('Bearer '.length))
        onDone()
        return opened
      }}
    />
  )
}
