import { useCallback, useEffect, useRef, useState } from 'react'
import { type Failure, failureOf } from '../data/failure.ts'
import { useRecoveries } from '../data/outage.ts'
import { offerPasskeys, signInByPasskey } from '../data/passkeys.ts'
import { session } from '../session.ts'
import { texts } from '../texts/en.ts'
import { FailureNote } from './FailureNote.tsx'

/** Opens a session, and does what the page does before and after. */
export type OpenBy = <Opened>(open: () => Promise<Opened>) => Promise<Opened>

/** Signs in by a passkey alone: by a button, and by what the browser offers in the field of the e-mail address. */
export function PasskeySignIn({ openBy }: { openBy: OpenBy }) {
  const [isBusy, setBusy] = useState(false)
  const [failure, setFailure] = useState<Failure>()
  const [turn, setTurn] = useState(0)
  const recoveries = useRecoveries()
  const run = useRef(openBy)
  useEffect(() => {
    run.current = openBy
  })
  const fail = useCallback((error: unknown) => {
    setFailure(failureOf(error))
    setTurn(turn => turn + 1)
  }, [])
  // The browser forgets an offer after each question, and an outage may have been in its way.
  useEffect(() => {
    const abort = new AbortController()
    void offerPasskeys(abort.signal, async answer => {
      try {
        return await run.current(() => session.passkeyLogin(answer))
      } catch (error) {
        fail(error)
        throw error
      }
    })
    return () => abort.abort()
  }, [turn, recoveries, fail])
  const send = async () => {
    if (isBusy) return
    setBusy(true)
    setFailure(undefined)
    await openBy(signInByPasskey).catch(fail)
    setBusy(false)
  }
  return (
    <>
      <FailureNote failure={failure} />
      <p>
        <button type="button" aria-disabled={isBusy} onClick={() => void send()}>
          {isBusy ? texts.form.working : texts.factor.signInByPasskey}
        </button>
      </p>
    </>
  )
}
