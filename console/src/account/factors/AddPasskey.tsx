import { useState } from 'react'
import { addPasskey } from '../../data/passkeys.ts'
import { Dialog } from '../../parts/Dialog.tsx'
import { Form } from '../../parts/Form.tsx'
import { useProved } from '../../parts/StepUp.tsx'
import { texts } from '../../texts/en.ts'
import type { Confirmed } from './Factors.tsx'
import { NameField } from './NameField.tsx'

const { passkey: text } = texts.account.factors

/** Adds a passkey: the browser makes it, and asks where it is kept. */
export function AddPasskey({ onAdded }: { onAdded: (confirmed: Confirmed) => void }) {
  const proved = useProved()
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
              const confirmed = await proved(() => addPasskey(name))
              setOpen(false)
              onAdded(confirmed)
            }}
          >
            <NameField />
          </Form>
        </Dialog>
      )}
    </>
  )
}
