import { useCallback, useEffect, useRef, useState } from 'react'
import { ask } from './ask.ts'
import { type Failure, failureOf } from './failure.ts'
import { useRecoveries } from './outage.ts'

/** What a part of the page knows of an answer. While it is asked again, the former data stays. */
export interface Asked<Data> {
  readonly data: Data | undefined
  readonly failure: Failure | undefined
  readonly isBusy: boolean
  /** Asks again. */
  reload(): void
}

/**
 * Asks when the part is shown, when the variables change, when the server is back after an outage, and every `everyMs`
 * while the page can be seen. What the person may no longer read is no longer shown.
 *
 * @param options.everyMs undefined: never by itself
 */
export function useAsked<Data>(
  query: string,
  variables: object = {},
  { everyMs }: { everyMs?: number } = {},
): Asked<Data> {
  const [state, setState] = useState<Omit<Asked<Data>, 'reload'>>({
    data: undefined,
    failure: undefined,
    isBusy: true,
  })
  const [turn, setTurn] = useState(0)
  const key = JSON.stringify([query, variables])
  const shown = useRef(key)
  const isBusy = useRef(false)
  const recoveries = useRecoveries()

  // `turn` and `recoveries` ask again with the same variables.
  useEffect(() => {
    const abort = new AbortController()
    const [asked, given] = JSON.parse(key)
    const isOther = shown.current !== key
    shown.current = key
    isBusy.current = true
    setState(state => ({ ...state, ...(isOther && { data: undefined }), isBusy: true }))
    const end = (next: (former: Data | undefined) => Pick<Asked<Data>, 'data' | 'failure'>) => {
      if (abort.signal.aborted) return
      isBusy.current = false
      setState(({ data }) => ({ ...next(data), isBusy: false }))
    }
    ask<Data>(asked, given, abort.signal).then(
      data => end(() => ({ data, failure: undefined })),
      (error: unknown) => {
        const failure = failureOf(error)
        end(former => ({ data: failure.isRefusal ? undefined : former, failure }))
      },
    )
    return () => abort.abort()
  }, [key, turn, recoveries])

  const reload = useCallback(() => setTurn(turn => turn + 1), [])
  useEffect(() => {
    if (everyMs === undefined) return
    // An answer that takes longer than that is waited for.
    const look = () => {
      if (!isBusy.current && document.visibilityState === 'visible') reload()
    }
    const timer = setInterval(look, everyMs)
    return () => clearInterval(timer)
  }, [everyMs, reload])
  return { ...state, reload }
}
