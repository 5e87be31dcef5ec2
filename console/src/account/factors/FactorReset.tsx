import { useState } from 'react'
import { type Failure, failureOf } from '../../data/failure.ts'
import { useAsked } from '../../data/useAsked.ts'
import { FailureNote } from '../../parts/FailureNote.tsx'
import { useAct } from '../../parts/StepUp.tsx'
import { Time } from '../../parts/Time.tsx'
import { useProve } from '../../parts/useProve.ts'
import { texts } from '../../texts/en.ts'

const { reset: text } = texts.account.factors

/** Whether an administrator's removal of all factors waits, and the removal that is under way. */
export function FactorReset({ onStopped }: { onStopped: () => void }) {
  const act = useAct()
  const prove = useProve()
  const { data, failure, reload } = useAsked<{ factorReset: { delay: boolean; at: string | null } }>(
    'query FactorReset { factorReset { delay at } }',
  )
  const [isBusy, setBusy] = useState(false)
  const [refused, setRefused] = useState<Failure>()
  if (!data) return failure && !failure.isOutage ? <FailureNote failure={failure} /> : null
  const { delay, at } = data.factorReset
  const set = async () => {
    if (isBusy) return
    setBusy(true)
    setRefused(undefined)
    try {
      await act('mutation DelayFactorReset($delay: Boolean!) { delayFactorReset(delay: $delay) { delay } }', {
        delay: !delay,
      })
      reload()
    } catch (error) {
      setRefused(failureOf(error))
    } finally {
      setBusy(false)
    }
  }
  const stop = async () => {
    if (!(await prove({ mfa: true }))) return
    onStopped()
    reload()
  }
  return (
    <section className="card reset" aria-labelledby="factor-reset">
      <h2 id="factor-reset">{text.heading}</h2>
      {at !== null && (
        <div role="alert" className="notice">
          <p>
            <strong>{text.pending}</strong> {text.pendingAt} <Time at={at} />. {text.pendingStop}
          </p>
          <button type="button" onClick={() => void stop()}>
            {text.stop}
          </button>
        </div>
      )}
      <p>
        {text.lead} <span role="status">{delay ? text.waits : text.atOnce}</span>
      </p>
      <FailureNote failure={refused} />
      <button type="button" aria-disabled={isBusy} onClick={() => void set()}>
        {isBusy ? texts.form.working : delay ? text.doNotDelay : text.delay}
      </button>
    </section>
  )
}
