import type { Factor } from '../../data/factors.ts'
import { Dialog } from '../../parts/Dialog.tsx'
import { Form } from '../../parts/Form.tsx'
import { useAct } from '../../parts/StepUp.tsx'
import { texts } from '../../texts/en.ts'
import { NameField } from './NameField.tsx'

const { rename: text } = texts.account.factors

/** Gives a factor another name. */
export function RenameFactor({
  factor,
  title,
  onDone,
  onClose,
}: {
  factor: Factor
  title: string
  onDone: (text: string) => void
  onClose: () => void
}) {
  const act = useAct()
  return (
    <Dialog heading={text.heading(title)} onClose={onClose}>
      <Form
        submit={text.submit}
        onCancel={onClose}
        onSend={async ({ name = '' }) => {
          await act(
            'mutation RenameFactor($id: ID!, $name: String!) { renameFactor(id: $id, name: $name) { id } }',
            {
              id: factor.id,
              name,
            },
          )
          onDone(text.done(name))
          onClose()
        }}
      >
        <NameField defaultValue={factor.name ?? ''} required />
      </Form>
    </Dialog>
  )
}
