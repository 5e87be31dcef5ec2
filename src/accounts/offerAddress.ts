import { eq } from 'drizzle-orm'
import type { Queries } from '../database/open.ts'
import { users } from '../database/tables.ts'
import { type MailKind, queueMail } from '../mail/queueMail.ts'
import { makeOneTime, type NewOneTimeToken } from './oneTime.ts'

/**
 * Sends a link to an address that somebody wants for an account. The owner of an address that is taken gets a mail that
 * says so instead. Both cases run the same statements, so that only the mail tells which it was.
 *
 * @param token whose link it is. The address of its own user is free, in another spelling
 * @param kind of the mail with the link
 * @param detail what the mail tells beside the link
 */
export async function offerAddress(
  tx: Queries,
  token: NewOneTimeToken,
  kind: MailKind,
  detail: Readonly<Record<string, string | null>>,
): Promise<void> {
  const { email, emailKey, userId } = token
  const [owner] = await tx
    .select({ id: users.id, email: users.email })
    .from(users)
    .where(eq(users.emailKey, emailKey))
  const tokenId = await makeOneTime(tx, token)
  await queueMail(
    tx,
    owner === undefined || owner.id === userId
      ? { kind, recipient: email, userId, tokenId, detail }
      : { kind: 'address-taken', recipient: owner.email ?? email, userId: owner.id, detail },
  )
}
