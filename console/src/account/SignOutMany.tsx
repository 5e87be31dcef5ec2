import { useSession } from 'annul/client/react'
import { useState } from 'react'
import { type Failure, failureOf } from '../data/failure.ts'
import { Dialog } from '../parts/Dialog.tsx'
import { FailureNote } from '../parts/FailureNote.tsx'
import { Form } from '../parts/Form.tsx'
import { useAct } from '../parts/StepUp.tsx'
import { texts } from '../texts/en.ts'

const text = texts.account.session

/** Ends all other sessions, or all. */
export function SignOutMany({ isAlone, onSaid }: { isAlone: boolean; onSaid: (text: string) => void }) {
  const { session } = useSession()
  const act = useAct()
  const [isAsking, setAsking] = useState(false)
  const [isBusy, setBusy] = useState(false)
  const [failure, setFailure] = useState<Failure>()

  const endOthers = async () => {
    if (isBusy) return
    setBusy(true)
    setFailure(undefined)
    try {
      await session.revokeOtherSessions()
      onSaid(text.saidOthers)
    } catch (error) {
      setFailure(failureOf(error))
    } finally {
      setBusy(false)
    }
  }

  return (
    <>
      <div className="row">
        {isAlone && <p className="soft">{text.alone}</p>}
        <button type="button" aria-disabled={isBusy} onClick={() => void endOthers()}>
          {isBusy ? texts.form.working : text.others}
        </button>
        <button type="button" onClick={() => setAsking(true)}>
          {text.all}
        </button>
      </div>
      <FailureNote failure={failure} />
      {isAsking && (
        <Dialog heading={text.allHeading} onClose={() => setAsking(false)}>
          <Form
            submit={text.allSubmit}
            isDangerous
            onCancel={() => setAsking(false)}
            onSend={async () => {
              await act('mutation RevokeSessions { revokeSessions }')
              // The server refuses this session now, and says why.
              await session.refresh().catch(() => {})
            }}
          >
            <p>{text.allLead}</p>
          </Form>
        </Dialog>
      )}
    </>
  )
}
