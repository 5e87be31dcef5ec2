import { useState } from 'react'
import { Dialog } from '../../parts/Dialog.tsx'
import { Form } from '../../parts/Form.tsx'
import { useAct } from '../../parts/StepUp.tsx'
import { texts } from '../../texts/en.ts'

const { codes: text } = texts.account.factors

/** Makes new recovery codes, after saying that the former ones are dead then. */
export function MakeCodes({ onMade }: { onMade: (codes: readonly string[]) => void }) {
  const act = useAct()
  const [isAsking, setAsking] = useState(false)
  return (
    <>
      <button type="button" onClick={() => setAsking(true)}>
        {text.make}
      </button>
      {isAsking && (
        <Dialog heading={text.newHeading} onClose={() => setAsking(false)}>
          <p>{text.newEffect}</p>
          <Form
            submit={text.newSubmit}
            onCancel={() => setAsking(false)}
            onSend={async () => {
              const { data } = await act<{ makeRecoveryCodes: readonly string[] }>(
                'mutation MakeRecoveryCodes { makeRecoveryCodes }',
              )
              setAsking(false)
              onMade(data.makeRecoveryCodes)
            }}
          >
            {null}
          </Form>
        </Dialog>
      )}
    </>
  )
}
