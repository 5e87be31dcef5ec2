import { count } from 'drizzle-orm'
import { outbox } from '../database/tables.ts'
import { type ClaimedMail, claimMail, postpone, removeMail } from './claimMail.ts'
import { composeMail, type Sending } from './composeMail.ts'
import { failureOf } from './failureOf.ts'
import { openTransport } from './openTransport.ts'
import { noMail } from './queueMail.ts'
import { UndeliverableError } from './transport.ts'

/*
 * Mails leave through the outbox: a row is written in the transaction that causes the mail, claimed by one node after
 * the commit, and removed when the mail was accepted. A node that dies in between leaves the row, whose lease ends: so
 * a mail is sent at least once, and twice only after a crash or a lost answer.
 */

export interface Mails {
  /** Sends what is due, in a moment. Never throws, and costs the caller nothing but a timer. */
  nudge(): void
  /** Where Annul's own server listens: the base of links, where no public URL is set. */
  listensAt(url: string): void
  /** Stops claiming, and waits for what is being delivered: 5 s, then it is cut off and stays in the outbox. */
  close(): Promise<void>
}

/**
 * From a commit to the first statement for its mail. The verb answers meanwhile: otherwise an answer that takes longer
 * would tell that there was somebody to write to.
 */
const nudgeMs = 20
/** At a time on one node. Each has an SMTP connection of the pool. */
const maxWorkers = 3
const pollMs = 5000
/** One delivery, from the connection to the server's answer. */
const deliveryMs = 60_000
const closeMs = 5000

/** After each failure the next pause, and the last one again and again. */
const pausesSeconds = [10, 30, 120, 600, 3600, 3 * 3600]
const longestSeconds = 3 * 86_400

/**
 * Starts to send. A mail of another node's commit, or of the command line, is found by a poll within 5 s.
 *
 * @param options.production whether to warn of what is only meant for development
 * @throws MissingPackagesError where ANNUL_SMTP_URL is set and nodemailer is not installed
 */
export async function openMails(parts: Sending, options: { production: boolean }): Promise<Mails> {
  const { db, log, metrics } = parts
  const transport = await openTransport(parts, options)
  const compose = composeMail(parts, options)
  const working = new Set<Promise<void>>()
  const deliveries = new Set<AbortController>()
  let soon: NodeJS.Timeout | undefined
  let isWanted = false
  let isClosed = false
  let isCutOff = false
  let isFailing = false
  let waiting = 0
  metrics.gauge('annul_outbox_waiting', 'Mails in the outbox.', () => waiting)

  const deliver = async (mail: ClaimedMail) => {
    const message = await compose.message(mail)
    if (message === undefined) return 'dead'
    const delivery = new AbortController()
    deliveries.add(delivery)
    if (isCutOff) delivery.abort()
    const timer = setTimeout(() => delivery.abort(), deliveryMs)
    try {
      await transport.deliver(message, delivery.signal)
      return transport.outcome
    } finally {
      clearTimeout(timer)
      deliveries.delete(delivery)
    }
  }

  const handle = async (mail: ClaimedMail) => {
    const { id: mailId, kind, attempts } = mail
    const outcome = await deliver(mail).catch((error: unknown) => {
      const told = { mailId, kind, attempts, ...failureOf(error) }
      if (error instanceof UndeliverableError) {
        log.error(told, 'A mail was dropped: its recipient is refused for good.')
        return 'refused'
      }
      if (mail.ageSeconds > longestSeconds) {
        log.error(told, 'A mail was dropped: it could not be sent for 3 days.')
        return 'expired'
      }
      log.warn(told, 'A mail could not be sent, and is tried again.')
      return 'retried'
    })
    if (outcome === 'dead' && kind !== noMail)
      log.info({ mailId, kind }, 'A mail was dropped: its link no longer counts.')
    if (outcome === 'retried') await postpone(db, mail, pausesSeconds[attempts - 1] ?? 3 * 3600)
    else await removeMail(db, mail)
    metrics.mailed(kind, outcome)
  }

  const work = async () => {
    try {
      do {
        isWanted = false
        for (;;) {
          const mail = isClosed ? undefined : await claimMail(db)
          if (mail === undefined) break
          await handle(mail)
        }
        // A claim that was under way may have missed a mail whose nudge found all workers busy.
      } while (isWanted && !isClosed)
      isFailing = false
    } catch (error) {
      // Of an outage, one line is enough. What was claimed is claimed again when its lease has ended.
      if (!isFailing) log.warn({ err: error }, 'The outbox can not be read, and is tried again.')
      isFailing = true
    }
  }
  const start = () => {
    soon = undefined
    isWanted = true
    if (isClosed || working.size >= maxWorkers) return
    const worker = work().finally(() => working.delete(worker))
    working.add(worker)
  }

  const poll = async () => {
    start()
    const [row] = await db.select({ waiting: count() }).from(outbox)
    waiting = row?.waiting ?? 0
  }
  const timer = setInterval(() => void poll().catch(() => {}), pollMs).unref()

  return {
    nudge() {
      soon ??= setTimeout(start, nudgeMs)
    },
    listensAt: compose.listensAt,
    async close() {
      isClosed = true
      clearInterval(timer)
      clearTimeout(soon)
      const late = setTimeout(() => {
        isCutOff = true
        for (const delivery of deliveries) delivery.abort()
      }, closeMs)
      await Promise.all(working)
      clearTimeout(late)
      transport.close()
    },
  }
}
