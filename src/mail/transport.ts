import { isIP } from 'node:net'
import type { MailKind, MailText } from '../app/mails.ts'
import type { Config } from '../config.ts'

/** A mail that is ready to leave. */
export interface Message extends MailText {
  /** Of its row in the outbox. The Message-ID is made from it, so that a mail which was sent twice is recognised. */
  readonly id: string
  readonly kind: MailKind
  readonly recipient: string
  /** When it was queued. */
  readonly at: Date
}

/** Where mails go: an SMTP server, or a folder. */
export interface Transport {
  readonly outcome: 'sent' | 'written'
  /** Returns when the mail is safe there. @throws what failed; UndeliverableError where no retry can help */
  deliver(message: Message, signal: AbortSignal): Promise<void>
  close(): void
}

/** The recipient was refused for good. Holds no address and no text of the server, which may repeat the address. */
export class UndeliverableError extends Error {
  override readonly name = 'UndeliverableError'
}

export interface Sender {
  readonly name: string
  readonly address: string
}

/** The sender: ANNUL_MAIL_FROM, or `no-reply@` and the host of ANNUL_PUBLIC_URL, under the site's name. */
export function senderOf({ mailFrom, publicUrl, siteName }: Config): Sender {
  if (mailFrom === undefined) {
    const host = publicUrl === undefined ? 'localhost' : new URL(publicUrl).hostname
    return { name: siteName, address: `no-reply@${isIP(host.replace(/^\[|\]$/g, '')) ? 'localhost' : host}` }
  }
  const [, name = '', address = mailFrom] = /^([^<]*)<([^>]*)>$/.exec(mailFrom) ?? []
  return { name: name.trim().replace(/^"(.*)"$/, '$1') || siteName, address }
}

/** What every mail has beside its text. */
export function headersOf(message: Message, from: Sender) {
  return {
    messageId: `<${message.id}@${from.address.split('@').at(-1)}>`,
    // RFC 3834: no out-of-office answer.
    headers: { 'Auto-Submitted': 'auto-generated' },
  }
}
