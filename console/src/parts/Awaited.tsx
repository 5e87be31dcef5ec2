import type { Asked } from '../data/useAsked.ts'
import { Busy } from './Busy.tsx'
import { FailureNote } from './FailureNote.tsx'

/**
 * Stands in for data that is not there yet, and says why it does not come. Of an outage the whole page tells already,
 * and the data comes by itself when the outage is over.
 */
export function Awaited({ asked: { data, failure } }: { asked: Asked<unknown> }) {
  if (failure && !failure.isOutage) return <FailureNote failure={failure} />
  return data === undefined ? <Busy /> : null
}
