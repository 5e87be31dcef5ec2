import { sql } from 'drizzle-orm'
import { noteSecrets } from './client.ts'
import type { TestServer } from './server.ts'

/** A mail that was queued (globalSetup.js), with the token of its link and the code beside it. */
export interface OutboxMail {
  readonly kind: string
  readonly recipient: string
  readonly userId: string | null
  readonly detail: Readonly<Record<string, string | null>>
  /** Empty where the mail has no link. */
  readonly token: string
  readonly code: string
}

/** The mails to an address, the oldest first; of all addresses without one. */
export async function mailsTo(node: TestServer, recipient?: string): Promise<OutboxMail[]> {
  const { oneTimeTokens } = node.auth.parts
  const found = await node.rows<Omit<OutboxMail, 'token' | 'code'> & { tokenId: string | null }>(sql`
    select kind, recipient, user_id as "userId", detail, token_id as "tokenId" from tests.queued_mails
    where kind <> 'nobody' and (${recipient ?? null}::text is null or recipient = ${recipient ?? ''})
    order by created_at, kind`)
  return found.map(({ tokenId, ...mail }) => {
    const token = tokenId === null ? '' : oneTimeTokens.derive(tokenId)
    const code = tokenId === null ? '' : oneTimeTokens.code(tokenId)
    noteSecrets(token)
    return { ...mail, token, code }
  })
}

/** The last mail of a kind to an address. */
export async function mailOf(node: TestServer, kind: string, recipient: string): Promise<OutboxMail> {
  const mail = (await mailsTo(node, recipient)).filter(mail => mail.kind === kind).at(-1)
  if (mail === undefined) throw new Error(`There is no mail "${kind}" to ${recipient}.`)
  return mail
}

/** Puts the end of a token's life into the past. */
export async function expire(node: TestServer, token: string): Promise<void> {
  const id = node.auth.parts.oneTimeTokens.read(token)
  await node.rows(sql`update annul.one_time_tokens set expires_at = now() where id = ${id}`)
}
