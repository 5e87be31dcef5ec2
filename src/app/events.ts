import type { Log } from '../log.ts'
import type { AuditEvent } from './auditEvent.ts'

/** @internal Hands audit events over to an app. */
export interface Events {
  /** To be called when the event's transaction has committed. Never throws, and returns before the app is called. */
  tell(event: AuditEvent): void
  /** Hands over what is left, and waits for unfinished calls, 5 s at most. */
  close(): Promise<void>
}

/** Calls whose promises are pending. A flood of failed log-ins must not fill the memory with them. */
const maxUnfinished = 10_000
const closeMs = 5000

const nobody: Events = { tell: () => {}, close: async () => {} }

/** @internal @param onEvent called once for each event, in the order of `tell`; what it throws is logged */
export function openEvents(
  onEvent: ((event: AuditEvent) => unknown) | undefined,
  log: Log,
  { maxUnfinished: most = maxUnfinished }: { maxUnfinished?: number } = {},
): Events {
  if (onEvent === undefined) return nobody
  let waiting: AuditEvent[] = []
  const unfinished = new Set<Promise<void>>()
  let dropped = 0

  const call = async (event: AuditEvent) => {
    try {
      await onEvent(event)
    } catch (error) {
      const { id: eventId, kind } = event
      log.error({ err: error, eventId, kind }, 'onEvent failed.')
    }
  }
  const deliver = () => {
    const events = waiting
    waiting = []
    for (const event of events) {
      const calling = call(event).finally(() => unfinished.delete(calling))
      unfinished.add(calling)
    }
  }
  const tellOfDropped = () => {
    if (dropped > 0) log.error({ dropped }, 'Events were dropped until onEvent finished earlier ones.')
    dropped = 0
  }

  return {
    tell(event) {
      if (waiting.length + unfinished.size >= most) {
        if (++dropped === 1)
          log.error({ unfinished: most }, 'onEvent does not finish, and events are dropped.')
        return
      }
      tellOfDropped()
      // After what the present turn of the event loop does for the answer.
      if (waiting.push(event) === 1) setImmediate(deliver)
    },
    async close() {
      deliver()
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<void>(resolve => {
        timer = setTimeout(resolve, closeMs)
      })
      await Promise.race([Promise.all(unfinished), late])
      clearTimeout(timer)
      tellOfDropped()
    },
  }
}
