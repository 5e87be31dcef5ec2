import { useSession } from 'annul/client/react'
import { ask } from '../data/ask.ts'
import { goTo } from '../data/route.ts'
import { Field } from '../parts/Field.tsx'
import { Form } from '../parts/Form.tsx'
import { ThenFactor } from '../parts/ThenFactor.tsx'
import { texts } from '../texts/en.ts'
import { CodeField } from './CodeField.tsx'
import { NewPassword } from './NewPassword.tsx'
import { problemAt } from './problemAt.ts'

const { forgotten: text, email: emailLabel } = texts.account
const here = '/account/forgotten-password'

/** First asks for the mail, then takes its code and the new password. The answer never tells whether there is an account. */
export function ForgottenPassword({ hasCode }: { hasCode: boolean }) {
  return (
    <section className="narrow" aria-labelledby="forgotten">
      <h1 id="forgotten">{hasCode ? text.codeHeading : text.heading}</h1>
      <p className="lead">{hasCode ? text.codeLead : text.lead}</p>
      {hasCode ? <ByCode /> : <AskForMail />}
      <p>
        <a href={hasCode ? `#${here}` : `#${here}/code`}>{hasCode ? text.again : text.hasCode}</a>
      </p>
    </section>
  )
}

function AskForMail() {
  return (
    <Form
      submit={text.submit}
      onSend={async ({ email }) => {
        await ask('mutation RequestPasswordReset($email: String!) { requestPasswordReset(email: $email) }', {
          email,
        })
        goTo(`${here}/code`)
      }}
    >
      {failure => (
        <Field
          label={emailLabel}
          name="email"
          inputMode="email"
          autoComplete="username"
          required
          problem={problemAt(failure, 'email')}
        />
      )}
    </Form>
  )
}

/** Takes the code of the mail. Where the account has factors, the password changes together with the proof of one. */
function ByCode() {
  const { session } = useSession()
  return (
    <ThenFactor
      lead={texts.factor.resetLead}
      dead={texts.factor.resetDead}
      onFactor={async (challenge, factor) => {
        await session.completeLogin({ challenge, factor })
        goTo('/account')
      }}
    >
      {unlessAsked => (
        <Form
          submit={text.codeSubmit}
          onSend={({ token = '', newPassword = '' }) =>
            unlessAsked(async () => {
              await session.resetPassword({ token: token.trim(), newPassword })
              goTo('/account')
            })
          }
        >
          {failure => (
            <>
              <CodeField argument="input.token" failure={failure} />
              <NewPassword problem={problemAt(failure, 'input.newPassword')} />
            </>
          )}
        </Form>
      )}
    </ThenFactor>
  )
}
