import { useSession } from 'annul/client/react'
import { goTo } from './data/route.ts'
import { Credentials } from './parts/Credentials.tsx'
import { Ended } from './parts/Ended.tsx'
import { Form } from './parts/Form.tsx'
import { texts } from './texts/en.ts'

const { signIn } = texts

/** The form to sign in, with the reason why a session has ended while the page was open. */
export function SignIn() {
  const { session, user } = useSession()
  return (
    <section className="narrow" aria-labelledby="sign-in">
      <h1 id="sign-in">{signIn.heading}</h1>
      <Ended />
      {user && <p role="status">{user.email}</p>}
      <Form
        submit={signIn.submit}
        onSend={async ({ email = '', password = '' }) => {
          await session.login({ email, password })
          if (location.hash === '#/sign-in') goTo('/')
        }}
      >
        <Credentials />
      </Form>
      <p className="row">
        <span>
          {signIn.noAccount} <a href="#/account/sign-up">{signIn.signUp}</a>
        </span>
        <a href="#/account/forgotten-password">{signIn.forgotten}</a>
      </p>
    </section>
  )
}
