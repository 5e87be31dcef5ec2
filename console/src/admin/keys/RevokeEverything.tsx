import { useSession } from 'annul/client/react'
import { useState } from 'react'
import { Dialog } from '../../parts/Dialog.tsx'
import { Field } from '../../parts/Field.tsx'
import { Form } from '../../parts/Form.tsx'
import { useAct } from '../../parts/StepUp.tsx'
import { settings } from '../../settings.ts'
import { texts } from '../../texts/en.ts'
import { endedNote } from '../parts/endedNote.ts'
import type { Say } from '../parts/Said.tsx'

const mutation = 'mutation RevokeEverything { revokeEverything }'

/** Ends everything, after the name of the site was typed. The admin's own session is over too. */
export function RevokeEverything({ say }: { say: Say }) {
  const { everything } = texts.admin
  const { session } = useSession()
  const act = useAct()
  const [isOpen, setOpen] = useState(false)
  return (
    <section className="danger-zone" aria-labelledby="danger">
      <h2 id="danger">{everything.heading}</h2>
      <p>{everything.lead}</p>
      <button type="button" className="danger" onClick={() => setOpen(true)}>
        {everything.button}
      </button>
      {isOpen && (
        <Dialog heading={everything.dialog(settings.siteName)} onClose={() => setOpen(false)}>
          <p>{everything.lead}</p>
          <Form
            submit={everything.submit}
            isDangerous
            onCancel={() => setOpen(false)}
            onSend={async () => {
              const { revokedOnAllNodesMs } = await act(mutation)
              say(endedNote(everything.done, revokedOnAllNodesMs), '/admin/keys')
              // The server says why the session is over.
              await session.refresh().catch(() => {})
            }}
          >
            <Field
              label={everything.confirm(settings.siteName)}
              required
              // The browser does not send the form before.
              onChange={({ target }) =>
                target.setCustomValidity(target.value === settings.siteName ? '' : everything.wrong)
              }
            />
          </Form>
        </Dialog>
      )}
    </section>
  )
}
