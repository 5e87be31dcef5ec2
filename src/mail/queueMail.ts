import { randomUUID } from 'node:crypto'
import type { Queries } from '../database/open.ts'
import { outbox } from '../database/tables.ts'

/** What a mail tells, or asks for. */
export type MailKind =
  /** A link that opens the account which was registered. */
  | 'confirm-registration'
  /** A registration with the address of an account that exists. */
  | 'address-taken'
  /** A link that verifies the account's address. */
  | 'verify-email'
  /** A link that sets a new password. */
  | 'reset-password'
  /** A link, to the new address, that makes the address the account's. */
  | 'confirm-new-email'
  /** To the old address: the e-mail was changed, with the link of the way back. */
  | 'email-changed'
  | 'password-changed'
  | 'new-device'
  /** A refresh token was used twice, and its session ended. */
  | 'reuse-detected'
  | 'factors-changed'
  | 'account-deleted'
  | 'account-recovered'

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
 * commits, the mail is sent at least once (mail/sendMails.ts).
 */
export async function queueMail(tx: Pick<Queries, 'insert'>, mail: QueuedMail): Promise<void> {
  await tx.insert(outbox).values({ id: randomUUID(), ...mail })
}
