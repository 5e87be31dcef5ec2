import { sql } from 'drizzle-orm'
import { noteSecrets } from './client.ts'
import { emptied, mailFiles } from './mails.ts'
import type { TestServer } from './server.ts'

/** The token of the last link for a purpose that was made for an address, whether or not its mail has left. */
export async function lastToken(server: TestServer, purpose: string, address: string): Promise<string> {
  const [row] = await server.rows<{ id: string }>(sql`select id from annul.one_time_tokens
    where purpose = ${purpose} and email_key = ${address} order by created_at desc limit 1`)
  if (row === undefined) throw new Error(`There is no token of "${purpose}" for ${address}.`)
  const token = server.auth.parts.oneTimeTokens.derive(row.id)
  noteSecrets(token)
  return token
}

/** The mails that were sent to an address, the oldest first, when all have left. */
export async function sentTo(server: TestServer, address: string) {
  await emptied(server)
  return mailFiles(server, address)
}

export async function kindsSentTo(server: TestServer, address: string): Promise<string[]> {
  return (await sentTo(server, address)).map(({ kind }) => kind)
}
