import { useState } from 'react'
import { type CreationOptions, makePasskey } from '../../data/passkeys.ts'
import { Dialog } from '../../parts/Dialog.tsx'
import { Form } from '../../parts/Form.tsx'
import { useAct } from '../../parts/StepUp.tsx'
import { texts } from '../../texts/en.ts'
import type { Confirmed } from './Factors.tsx'
import { NameField } from './NameField.tsx'

const { passkey: text } = texts.account.factors

/** Adds a passkey: the browser makes it, and asks where it is kept. */
export function AddPasskey({ onAdded }: { onAdded: (confirmed: Confirmed) => void }) {
  const act = useAct()
  const [isOpen, setOpen] = useState(false)
  return (
    <>
      <button type="button" onClick={() => setOpen(true)}>
        {text.open}
      </button>
      {isOpen && (
        <Dialog heading={text.heading} onClose={() => setOpen(false)}>
          <p>{text.lead}</p>
          <Form
            submit={text.submit}
            onCancel={() => setOpen(false)}
            onSend={async ({ name = '' }) => {
              const { data: begun } = await act<{
                enrollPasskey: { id: string; options: CreationOptions }
              }>('mutation EnrollPasskey { enrollPasskey { id options } }')
              const { id, options } = begun.enrollPasskey
              const { data } = await act<{ confirmPasskey: Confirmed }>(
                `mutation ConfirmPasskey($id: ID!, $response: JSON!, $name: String) {
                  confirmPasskey(id: $id, response: $response, name: $name) { factor { id } recoveryCodes } }`,
                { id, response: await makePasskey(options), name: name || null },
              )
              setOpen(false)
              onAdded(data.confirmPasskey)
            }}
          >
            <NameField />
          </Form>
        </Dialog>
      )}
    </>
  )
}
