import { useSession } from 'annul/client/react'
import { goTo } from '../data/route.ts'
import { Busy } from '../parts/Busy.tsx'
import { Field } from '../parts/Field.tsx'
import { Form } from '../parts/Form.tsx'
import { texts } from '../texts/en.ts'
import { NewPassword } from './NewPassword.tsx'
import { problemAt } from './problemAt.ts'

const { signUp: text, email } = texts.account

/** The form that makes an account. Where the server wants a verified address, the mail comes first. */
export function SignUp() {
  const { session, status, user } = useSession()
  return (
    <section className="narrow" aria-labelledby="sign-up">
      <h1 id="sign-up">{text.heading}</h1>
      {status === 'restoring' && <Busy />}
      {user && (
        <>
          <p>
            {text.signedIn} {user.email}.
          </p>
          <p>
            <a href="#/account">{text.toAccount}</a>
          </p>
        </>
      )}
      {status === 'signedOut' && (
        <Form
          submit={text.submit}
          onSend={async ({ email = '', password = '' }) => {
            const registered = await session.register({ email, password })
            goTo(registered ? '/account' : '/account/verify-email')
          }}
        >
          {failure => (
            <>
              <Field
                label={email}
                name="email"
                inputMode="email"
                autoComplete="username"
                required
                problem={problemAt(failure, 'input.email')}
              />
              <NewPassword
                label={text.password}
                name="password"
                problem={problemAt(failure, 'input.password')}
              />
            </>
          )}
        </Form>
      )}
      {status === 'signedOut' && (
        <p>
          {text.hasAccount} <a href="#/sign-in">{texts.signIn.submit}</a>
        </p>
      )}
    </section>
  )
}
