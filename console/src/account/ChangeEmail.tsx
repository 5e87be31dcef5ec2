import { useState } from 'react'
import { Field } from '../parts/Field.tsx'
import { Form } from '../parts/Form.tsx'
import { Said } from '../parts/Said.tsx'
import { useAct } from '../parts/StepUp.tsx'
import { texts } from '../texts/en.ts'
import { CodeForm } from './CodeForm.tsx'
import { problemAt } from './problemAt.ts'

const text = texts.account.changeEmail

/** Asks for another address, and takes the code of the mail that is sent there. */
export function ChangeEmail({ onDone }: { onDone: () => void }) {
  const act = useAct()
  const [sentTo, setSentTo] = useState<string>()
  return (
    <section className="card" aria-labelledby="change-email">
      <h2 id="change-email">{text.heading}</h2>
      <p>{text.lead}</p>
      <Form
        submit={text.submit}
        onSend={async ({ email = '' }) => {
          await act('mutation ChangeEmail($input: ChangeEmailInput!) { changeEmail(input: $input) { id } }', {
            input: { email },
          })
          setSentTo(email)
        }}
      >
        {failure => (
          <Field
            label={text.label}
            name="email"
            inputMode="email"
            autoComplete="email"
            required
            problem={problemAt(failure, 'input.email')}
          />
        )}
      </Form>
      <Said text={sentTo && text.sent(sentTo)} />
      {sentTo && (
        <CodeForm
          onDone={() => {
            setSentTo(undefined)
            onDone()
          }}
        />
      )}
    </section>
  )
}
