import { and, eq, gt, inArray, sql } from 'drizzle-orm'
import { type SessionRow, sessionColumns } from '../database/rows.ts'
import { sessions } from '../database/tables.ts'
import { storedReason } from '../errors.ts'
import type { Parts } from '../parts.ts'

/** Something that happened to a user's session, on whichever node. */
export interface SessionEvent {
  readonly kind: 'OPENED' | 'ENDED'
  readonly session: SessionRow
  /** Why it ended. */
  readonly reason: string | null
  readonly at: Date
}

export interface SessionEvents {
  /** A user's events from now on, until the iterator is returned. */
  of(userId: string): Promise<AsyncIterableIterator<SessionEvent>>
  close(): void
}

const pollMs = 1000
/** A session may be committed this long after its creation time, which is the start of its transaction. */
const overlapSeconds = 30
/** How many events may wait for one listener; of more, the oldest are dropped. */
const maxWaiting = 100

/**
 * Ended sessions come with the log of revocations. Opened sessions are polled, once a second and only while there is a
 * listener: a NOTIFY at each login would take a lock of the whole cluster at its commit.
 */
export function openSessionEvents(parts: Pick<Parts, 'db' | 'log' | 'revocation'>): SessionEvents {
  const listeners = new Map<string, Set<Listener>>()
  const emit = (event: SessionEvent) => {
    for (const listener of listeners.get(event.session.userId) ?? []) listener.push(event)
  }
  const warn = (error: unknown) => parts.log.warn({ err: error }, 'Session events could not be read.')

  const readEnded = async (ids: string[]) => {
    const users = [...listeners.keys()]
    const ended = await parts.db
      .select(sessionColumns)
      .from(sessions)
      .where(and(inArray(sessions.id, ids), inArray(sessions.userId, users)))
    for (const session of ended)
      emit({
        kind: 'ENDED',
        session,
        reason: storedReason(session.endReason),
        at: session.endedAt ?? new Date(),
      })
  }
  const unsubscribe = parts.revocation.view.subscribe(revocations => {
    const ids = revocations.flatMap(({ kind, subject }) => (kind === 'session' && subject ? [subject] : []))
    if (ids.length > 0 && listeners.size > 0) readEnded(ids).catch(warn)
  })

  const readOpened = async () => {
    const users = [...listeners.keys()]
    if (users.length === 0) return
    const opened = await parts.db
      .select(sessionColumns)
      .from(sessions)
      .where(
        and(
          inArray(sessions.userId, users),
          gt(sessions.createdAt, sql`now() - make_interval(secs => ${overlapSeconds})`),
        ),
      )
    for (const session of opened) emit({ kind: 'OPENED', session, reason: null, at: session.createdAt })
  }
  let reading = false
  const timer = setInterval(() => {
    if (reading) return
    reading = true
    readOpened()
      .catch(warn)
      .finally(() => {
        reading = false
      })
  }, pollMs).unref()

  return {
    async of(userId) {
      const known = await parts.db
        .select({ id: sessions.id })
        .from(sessions)
        .where(
          and(
            eq(sessions.userId, userId),
            gt(sessions.createdAt, sql`now() - make_interval(secs => ${2 * overlapSeconds})`),
          ),
        )
      const leave = () => {
        const others = listeners.get(userId)
        others?.delete(listener)
        if (others?.size === 0) listeners.delete(userId)
      }
      const openedBefore = known.map(({ id }) => id)
      const listener: Listener = new Listener(openedBefore, leave)
      listeners.set(userId, (listeners.get(userId) ?? new Set()).add(listener))
      return listener
    },
    close() {
      clearInterval(timer)
      unsubscribe()
    },
  }
}

/**
 * One subscription's queue. Polls overlap, so the queue knows which events it has delivered. It is not an async
 * generator, whose `return` would wait for one more event: the queue of a client that went away would stay until then.
 */
class Listener implements AsyncIterableIterator<SessionEvent> {
  readonly #told: Set<string>
  readonly #leave: () => void
  readonly #waiting: SessionEvent[] = []
  #wake: ((result: IteratorResult<SessionEvent>) => void) | undefined
  #ended = false

  constructor(openedBefore: string[], leave: () => void) {
    this.#told = new Set(openedBefore.map(id => `OPENED ${id}`))
    this.#leave = leave
  }

  push(event: SessionEvent): void {
    const name = `${event.kind} ${event.session.id}`
    if (this.#told.has(name)) return
    this.#told.add(name)
    if (this.#wake) {
      this.#wake({ done: false, value: event })
      this.#wake = undefined
    } else {
      this.#waiting.push(event)
      if (this.#waiting.length > maxWaiting) this.#waiting.shift()
    }
  }

  async next(): Promise<IteratorResult<SessionEvent>> {
    if (this.#ended) return { done: true, value: undefined }
    const first = this.#waiting.shift()
    if (first) return { done: false, value: first }
    return new Promise(resolve => {
      this.#wake = resolve
    })
  }

  async return(): Promise<IteratorResult<SessionEvent>> {
    this.#ended = true
    this.#leave()
    this.#wake?.({ done: true, value: undefined })
    return { done: true, value: undefined }
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}
