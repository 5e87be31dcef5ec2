import type { AuditEvent } from '../app/auditEvent.ts'
import type { App } from '../app/options.ts'
import type { Database, Queries } from './open.ts'
import { thrownBy } from './runHook.ts'

/** What the verbs' transactions need. */
export interface Transacting {
  readonly db: Database
  readonly app: Pick<App, 'events'>
  /** Told of a commit with queued mails; undefined in a process that sends none. */
  readonly mails?: { nudge(): void } | undefined
}

const eventsOf = new WeakMap<object, AuditEvent[]>()
const withMail = new WeakSet<object>()

/**
 * Runs a verb's transaction. When the commit was answered, the app is told of the events that were noted in it. A
 * commit without an answer tells nothing, because it may not have happened.
 *
 * @throws what `work` or one of its hooks throws
 */
export async function transact<T>(parts: Transacting, work: (tx: Queries) => Promise<T>): Promise<T> {
  return telling(parts, noting => parts.db.transaction(async tx => work(noting(tx))))
}

/**
 * As `transact`, for work that runs a single statement, which is a transaction by itself and needs no BEGIN and COMMIT. A
 * second statement would not be undone with the first one.
 */
export async function transactInOne<T>(
  parts: Transacting,
  work: (queries: Queries) => Promise<T>,
): Promise<T> {
  // Events are noted by object, and the database is everybody's.
  return telling(parts, noting => work(noting(Object.create(parts.db))))
}

async function telling<T>(
  { app, mails }: Transacting,
  run: (noting: <Tx extends Queries>(tx: Tx) => Tx) => Promise<T>,
): Promise<T> {
  const events: AuditEvent[] = []
  let hasMail = () => false
  const result = await run(tx => {
    eventsOf.set(tx, events)
    hasMail = () => withMail.has(tx)
    return tx
  }).catch(error => {
    throw thrownBy(error)
  })
  for (const event of events) app.events.tell(event)
  if (hasMail()) mails?.nudge()
  return result
}

/** Notes that a mail was queued in a transaction, so that the mail is sent right after the commit. */
export function noteMail(tx: object): void {
  withMail.add(tx)
}

/**
 * The events of an open transaction, to be told after its commit.
 *
 * @throws Error for anything but a transaction of `transact`: the events would be told to nobody
 */
export function eventsIn(tx: Queries): AuditEvent[] {
  const events = eventsOf.get(tx)
  if (events === undefined) throw new Error('An audit event is appended in a transaction of transact().')
  return events
}
