import { useState } from 'react'
import { type Failure, failureOf } from '../../data/failure.ts'
import { FailureNote } from '../../parts/FailureNote.tsx'
import { useAct } from '../../parts/StepUp.tsx'
import { texts } from '../../texts/en.ts'
import type { Confirmed } from './Factors.tsx'
import { type Enrollment, TotpDialog } from './TotpDialog.tsx'

const { totp: text } = texts.account.factors

/** Begins to add an authenticator app: the server makes the key, and the dialog shows it. */
export function AddTotp({ onAdded }: { onAdded: (confirmed: Confirmed) => void }) {
  const act = useAct()
  const [isBusy, setBusy] = useState(false)
  const [failure, setFailure] = useState<Failure>()
  const [enrollment, setEnrollment] = useState<Enrollment>()
  const begin = async () => {
    if (isBusy) return
    setBusy(true)
    setFailure(undefined)
    try {
      const { data } = await act<{ enrollTotp: Enrollment }>(
        'mutation EnrollTotp { enrollTotp { id secret uri } }',
      )
      setEnrollment(data.enrollTotp)
    } catch (error) {
      setFailure(failureOf(error))
    } finally {
      setBusy(false)
    }
  }
  return (
    <>
      <button type="button" aria-disabled={isBusy} onClick={() => void begin()}>
        {isBusy ? texts.form.working : text.open}
      </button>
      <FailureNote failure={failure} />
      {enrollment && (
        <TotpDialog
          enrollment={enrollment}
          onAdded={confirmed => {
            setEnrollment(undefined)
            onAdded(confirmed)
          }}
          onClose={() => setEnrollment(undefined)}
        />
      )}
    </>
  )
}
