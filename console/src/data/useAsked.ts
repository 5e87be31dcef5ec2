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
 * Asks when the part is shown, when the variables change, when the server is back after an outage, and every `everyMs`.
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
  const recoveries = useRecoveries()

  // `turn` and `recoveries` ask again with the same variables.
  useEffect(() => {
    const abort = new AbortController()
    const [asked, given] = JSON.parse(key)
    const isOther = shown.current !== key
    shown.current = key
    setState(state => ({ ...state, ...(isOther && { data: undefined }), isBusy: true }))
    ask<Data>(asked, given, abort.signal).then(
      data => {
        if (!abort.signal.aborted) setState({ data, failure: undefined, isBusy: false })
      },
      (error: unknown) => {
        if (!abort.signal.aborted)
          setState(({ data }) => ({ data, failure: failureOf(error), isBusy: false }))
      },
    )
    return () => abort.abort()
  }, [key, turn, recoveries])

  const reload = useCallback(() => setTurn(turn => turn + 1), [])
  useEffect(() => {
    if (everyMs === undefined) return
    const timer = setInterval(reload, everyMs)
    return () => clearInterval(timer)
  }, [everyMs, reload])
  return { ...state, reload }
}
