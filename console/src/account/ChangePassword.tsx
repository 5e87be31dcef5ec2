import { useSession } from 'annul/client/react'
import { useState } from 'react'
import { Field } from '../parts/Field.tsx'
import { Form } from '../parts/Form.tsx'
import { Said } from '../parts/Said.tsx'
import { texts } from '../texts/en.ts'
import { NewPassword } from './NewPassword.tsx'
import { problemAt } from './problemAt.ts'

const text = texts.account.password

/** Sets a new password, which ends all other sessions. */
export function ChangePassword({ email }: { email: string }) {
  const { session } = useSession()
  const [isDone, setDone] = useState(false)
  return (
    <section className="card" aria-labelledby="change-password">
      <h2 id="change-password">{text.heading}</h2>
      <Form
        submit={text.submit}
        onSend={async ({ currentPassword = '', newPassword = '' }) => {
          setDone(false)
          await session.changePassword({ currentPassword, newPassword })
          setDone(true)
        }}
      >
        {failure => (
          <>
            {/* Tells password managers whose password it is. */}
            <input type="text" name="email" autoComplete="username" value={email} readOnly hidden />
            <Field
              label={text.current}
              name="currentPassword"
              type="password"
              autoComplete="current-password"
              required
              problem={
                failure?.code === 'INVALID_CREDENTIALS'
                  ? text.wrong
                  : problemAt(failure, 'input.currentPassword')
              }
            />
            <NewPassword problem={problemAt(failure, 'input.newPassword')} />
          </>
        )}
      </Form>
      <Said text={isDone ? text.done : undefined} />
    </section>
  )
}
