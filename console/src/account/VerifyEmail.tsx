import { useState } from 'react'
import { Form } from '../parts/Form.tsx'
import { Said } from '../parts/Said.tsx'
import { useAct } from '../parts/StepUp.tsx'
import { texts } from '../texts/en.ts'
import { CodeForm } from './CodeForm.tsx'

const text = texts.account.verify

/** Sends the mail that verifies the present address, and takes its code. */
export function VerifyEmail({ onDone }: { onDone: () => void }) {
  const act = useAct()
  const [isSent, setSent] = useState<boolean>()
  return (
    <section className="card" aria-labelledby="verify-email">
      <h2 id="verify-email">{text.section}</h2>
      <p>{text.why}</p>
      <Form
        submit={text.request}
        onSend={async () => {
          const { data } = await act<{ requestEmailVerification: boolean }>(
            'mutation RequestEmailVerification { requestEmailVerification }',
          )
          setSent(data.requestEmailVerification)
          if (!data.requestEmailVerification) onDone()
        }}
      >
        <Said text={isSent === undefined ? undefined : isSent ? text.sent : text.already} />
      </Form>
      {isSent && <CodeForm onDone={onDone} />}
    </section>
  )
}
