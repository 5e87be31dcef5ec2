import { randomUUID } from 'node:crypto'
import { sql } from 'drizzle-orm'
import { noteSecrets } from './client.ts'
import type { TestServer } from './server.ts'

/** A one-time token as a mail's link has it, of a row that is written here. */
export async function makeToken(
  server: Pick<TestServer, 'auth' | 'rows'>,
  purpose: 'verify-email' | 'reset-password' | 'restore-email',
  account: { readonly userId: string; readonly email: string },
): Promise<string> {
  const id = randomUUID()
  await server.rows(sql`
    insert into annul.one_time_tokens (id, purpose, user_id, email, email_key, expires_at)
    values (${id}, ${purpose}, ${account.userId}, ${account.email}, ${account.email}, now() + interval '30 minutes')`)
  const token = server.auth.parts.oneTimeTokens.derive(id)
  noteSecrets(token)
  return token
}
