import { useSession } from 'annul/client/react'
import { goTo } from './data/route.ts'
import { Ended } from './parts/Ended.tsx'
import { SignInForm } from './parts/SignInForm.tsx'
import { texts } from './texts/en.ts'

const { signIn } = texts

/** The form to sign in, with the reason why a session has ended while the page was open. */
export function SignIn() {
  const { user } = useSession()
  return (
    <section className="narrow" aria-labelledby="sign-in">
      <h1 id="sign-in">{signIn.heading}</h1>
      <Ended />
      {user && <p role="status">{user.email}</p>}
      <SignInForm
        openBy={async open => {
          const opened = await open()
          if (location.hash === '#/sign-in') goTo('/')
          return opened
        }}
      />
      <p className="row">
        <span>
          {signIn.noAccount} <a href="#/account/sign-up">{signIn.signUp}</a>
        </span>
        <a href="#/account/forgotten-password">{signIn.forgotten}</a>
      </p>
    </section>
  )
}
