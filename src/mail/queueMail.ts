import { randomUUID } from 'node:crypto'
import type { MailKind } from '../app/mails.ts'
import type { Queries } from '../database/open.ts'
import { outbox } from '../database/tables.ts'
import { noteMail } from '../database/transact.ts'

export type { MailKind }

export interface QueuedMail {
  readonly kind: MailKind
  readonly recipient: string
  readonly userId?: string | null | undefined
  /** The one-time token (its row's id) whose link the mail has. */
  readonly tokenId?: string | undefined
  /** What the text tells beside the link: for example `device` and `ipAddress`. Never a token, never a password. */
  readonly detail?: Readonly<Record<string, string | null>> | undefined
}

/**
 * Queues a mail in the transaction that causes it: if the transaction rolls back, no mail was ever there, and if it
 * commits, the mail is sent at least once (mail/sendMails.ts), and at once where `tx` is a transaction of `transact`.
 */
export async function queueMail(tx: Pick<Queries, 'insert'>, mail: QueuedMail): Promise<void> {
  await tx.insert(outbox).values({ id: randomUUID(), ...mail })
  noteMail(tx)
}

/** The kind of a row of the outbox with no mail. */
export const noMail = 'nobody'

/**
 * Queues a row that is no mail, where nobody may learn that there is nobody to write to: the transaction writes as much as
 * with a mail, and the sender claims and removes the row. It refers to a token that does not exist, so that its link does
 * not count, also for a node of an older version.
 */
export async function queueNoMail(tx: Pick<Queries, 'insert'>): Promise<void> {
  await tx.insert(outbox).values({ id: randomUUID(), kind: noMail, recipient: '', tokenId: randomUUID() })
  noteMail(tx)
}
