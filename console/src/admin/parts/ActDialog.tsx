import type { ReactNode } from 'react'
import { Dialog } from '../../parts/Dialog.tsx'
import { Form } from '../../parts/Form.tsx'
import { type Act, useAct } from '../../parts/StepUp.tsx'

/** Asks before something is carried out. The heading names whom it is done to. */
export function ActDialog({
  heading,
  effect,
  submit,
  children,
  isDangerous = true,
  onAct,
  onClose,
}: {
  heading: string
  effect: string
  submit: string
  children?: ReactNode
  isDangerous?: boolean
  /** Carries it out by `act`. */
  onAct: (act: Act, values: Readonly<Record<string, string>>) => Promise<unknown>
  onClose: () => void
}) {
  const act = useAct()
  return (
    <Dialog heading={heading} onClose={onClose}>
      <p>{effect}</p>
      <Form
        submit={submit}
        isDangerous={isDangerous}
        onCancel={onClose}
        onSend={async values => {
          await onAct(act, values)
          onClose()
        }}
      >
        {children}
      </Form>
    </Dialog>
  )
}
