import { Dialog } from '../../parts/Dialog.tsx'
import { Form } from '../../parts/Form.tsx'
import { useAct } from '../../parts/StepUp.tsx'
import { texts } from '../../texts/en.ts'

const { remove: text } = texts.account.factors

/** Removes a factor, after saying what ends with it. */
export function RemoveFactor({
  id,
  title,
  isLast,
  onDone,
  onClose,
}: {
  id: string
  title: string
  isLast: boolean
  onDone: (text: string) => void
  onClose: () => void
}) {
  const act = useAct()
  return (
    <Dialog heading={text.heading(title)} onClose={onClose}>
      <p>{text.effect}</p>
      {isLast && <p>{text.last}</p>}
      <Form
        submit={text.submit}
        isDangerous
        onCancel={onClose}
        onSend={async () => {
          await act('mutation RemoveFactor($id: ID!) { removeFactor(id: $id) }', { id })
          onDone(text.done(title))
          onClose()
        }}
      >
        {null}
      </Form>
    </Dialog>
  )
}
