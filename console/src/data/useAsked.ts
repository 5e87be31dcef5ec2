import { useCallback, useEffect, useRef, useState } from 'react'
import { ask } from './ask.ts'
import { type Failure, failureOf } from './failure.ts'
import { useRecoveries } from './outage.ts'
import { useProofs } from './proofs.ts'

/** What a part of the page knows of an answer. While it is asked again, the former data stays. */
export interface Asked<Data> {
  readonly data: Data | undefined
  readonly failure: Failure | undefined
  readonly isBusy: boolean
  /** Asks again. */
  reload(): void
}

/**
 * Asks when the part is shown, when the variables change, when the server is back after an outage, after a proof that the
 * server has wanted, and every `everyMs` while the page can be seen. What the person may no longer read is no longer shown.
 *
 * @param options.everyMs undefined: never by itself
 */
export function useAsked<Data>(
  query: string,
  variables: object = {},
  { everyMs }: { everyMs?: number } = {},
): Asked<Data> {
  const key = JSON.stringify([query, variables])
  const nothing = { key, data: undefined, failure: undefined, isBusy: true }
  const [state, setState] = useState<Omit<Asked<Data>, 'reload'> & { readonly key: string }>(nothing)
  const [turn, setTurn] = useState(0)
  const isBusy = useRef(false)
  const recoveries = useRecoveries()

  // `turn` and `recoveries` ask again with the same variables.
  useEffect(() => {
    const abort = new AbortController()
    const [asked, given] = JSON.parse(key)
    isBusy.current = true
    const end = (failure: Failure | undefined, data?: Data) => {
      if (abort.signal.aborted) return
      isBusy.current = false
      setState(former => ({
        ...{ key, failure, isBusy: false },
        data: failure && !failure.isRefusal && former.key === key ? former.data : data,
      }))
    }
    setState(former => (former.key === key ? { ...former, isBusy: true } : former))
    ask<Data>(asked, given, abort.signal).then(
      data => end(undefined, data),
      (error: unknown) => end(failureOf(error)),
    )
    return () => abort.abort()
  }, [key, turn, recoveries])

  const reload = useCallback(() => setTurn(turn => turn + 1), [])
  const proofs = useProofs()
  const seenProofs = useRef(proofs)
  const wantsProof = state.failure?.code === 'REAUTHENTICATION_REQUIRED'
  useEffect(() => {
    if (wantsProof && seenProofs.current !== proofs) reload()
    seenProofs.current = proofs
  }, [wantsProof, proofs, reload])
  useEffect(() => {
    if (everyMs === undefined) return
    // An answer that takes longer than that is waited for.
    const look = () => {
      if (!isBusy.current && document.visibilityState === 'visible') reload()
    }
    const timer = setInterval(look, everyMs)
    return () => clearInterval(timer)
  }, [everyMs, reload])
  // An answer to other variables is not shown for a moment either.
  return { ...(state.key === key ? state : nothing), reload }
}
