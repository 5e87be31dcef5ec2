import { useSession } from 'annul/client/react'
import { useState } from 'react'
import { Failure } from '../data/failure.ts'
import { Dialog } from '../parts/Dialog.tsx'
import { Field } from '../parts/Field.tsx'
import { Form } from '../parts/Form.tsx'
import { useAct } from '../parts/StepUp.tsx'
import { texts } from '../texts/en.ts'

const text = texts.account.delete

/** Deletes the account, after its address has been typed and the password confirmed. */
export function DeleteAccount({ email }: { email: string }) {
  const { session } = useSession()
  const act = useAct()
  const [isOpen, setOpen] = useState(false)
  return (
    <section className="card" aria-labelledby="delete-account">
      <h2 id="delete-account">{text.heading}</h2>
      <p>{text.lead}</p>
      <button type="button" onClick={() => setOpen(true)}>
        {text.open}
      </button>
      {isOpen && (
        <Dialog heading={text.dialog} onClose={() => setOpen(false)}>
          <p>{text.lead}</p>
          <Form
            submit={text.submit}
            isDangerous
            onCancel={() => setOpen(false)}
            onSend={async ({ confirm }) => {
              // The session may be another person's meanwhile.
              if (confirm?.trim() !== session.user?.email)
                throw new Failure(text.mismatch, { code: 'BAD_USER_INPUT' })
              await act('mutation DeleteAccount { deleteAccount }')
              // The server refuses the session now, and says why.
              await session.refresh().catch(() => {})
            }}
          >
            <Field
              label={text.confirm}
              hint={text.confirmHint(email)}
              name="confirm"
              required
              spellCheck={false}
              onInput={({ currentTarget }) =>
                currentTarget.setCustomValidity(currentTarget.value.trim() === email ? '' : text.mismatch)
              }
            />
          </Form>
        </Dialog>
      )}
    </section>
  )
}
