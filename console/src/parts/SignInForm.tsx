import { useState } from 'react'
import { hasPasskeys } from '../data/passkeys.ts'
import { session } from '../session.ts'
import { settings } from '../settings.ts'
import { texts } from '../texts/en.ts'
import { Credentials } from './Credentials.tsx'
import { Form } from './Form.tsx'
import { type OpenBy, PasskeySignIn } from './PasskeySignIn.tsx'
import { ThenFactor } from './ThenFactor.tsx'

const { factor, signIn } = texts

/**
 * Signs in by the password, and by a second factor where the account has one; or by a passkey alone.
 *
 * @param props.openBy opens the session
 */
export function SignInForm({ openBy }: { openBy: OpenBy }) {
  // Kept for the person who has to type the password once more.
  const [email, setEmail] = useState('')
  return (
    <ThenFactor
      lead={factor.lead}
      dead={factor.dead}
      onFactor={(challenge, factor) => openBy(() => session.completeLogin({ challenge, factor }))}
    >
      {unlessAsked => (
        <>
          <Form
            submit={signIn.submit}
            onSend={async ({ email = '', password = '' }) => {
              setEmail(email)
              await unlessAsked(() => openBy(() => session.login({ email, password })))
            }}
          >
            <Credentials email={email} />
          </Form>
          {settings.factors && hasPasskeys && <PasskeySignIn openBy={openBy} />}
        </>
      )}
    </ThenFactor>
  )
}
