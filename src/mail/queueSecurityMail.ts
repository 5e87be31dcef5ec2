import type { Queries } from '../database/open.ts'
import type { UserRow } from '../database/rows.ts'
import { originOf } from '../input/origin.ts'
import { type MailKind, queueMail } from './queueMail.ts'

/** The sender of the request that caused a mail; null: an admin, or the operator's command. */
type Origin = { readonly ipAddress: string | null; readonly userAgent: string | null } | null

/**
 * Queues a mail that warns the owner of an account, in the transaction of what it warns of.
 *
 * The mail goes to the account's address whether the address is verified or not: passwords are reset by that address,
 * so its holder is who must know. An address that is not verified may be a stranger's, by a slip of the pen. So a mail
 * to it does not tell the user's device and IP address.
 *
 * @param what more of what happened, for the text (mail/texts.ts). Not what only the user may know
 */
export async function queueSecurityMail(
  tx: Pick<Queries, 'insert'>,
  kind: Extract<
    MailKind,
    | 'password-changed'
    | 'new-device'
    | 'reuse-detected'
    | 'factors-changed'
    | 'factors-reset'
    | 'factor-reset-begun'
    | 'passkey-cloned'
    | 'second-factor-failed'
  >,
  user: Pick<UserRow, 'id' | 'email' | 'emailVerified'>,
  origin: Origin,
  what: Readonly<Record<string, string | null>> = {},
): Promise<void> {
  if (user.email === null) return
  const isTold = user.emailVerified && origin !== null
  const detail = { ...what, ...(isTold && originOf(origin)) }
  await queueMail(tx, { kind, recipient: user.email, userId: user.id, detail })
}
