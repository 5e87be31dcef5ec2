import { sql } from 'drizzle-orm'
import { type Database, rows } from '../database/open.ts'
import { toBase64 } from '../passwords/foreign/format.ts'
import { signerKeySeal } from '../passwords/foreign/signerKey.ts'
import type { Secrets } from '../tokens/secret.ts'

const batchRows = 1000

/**
 * Encrypts the signer keys in imported hashes of Firebase under the present secret, while the previous one is known:
 * their users may not sign in before it is forgotten. One project has one key, so few texts are replaced in many rows.
 *
 * @returns how many hashes were changed
 */
export async function renewSignerKeys(db: Database, { secret, previous }: Secrets): Promise<number> {
  if (previous === undefined) return 0
  const seal = signerKeySeal(secret, previous)
  const sealed = await rows<{ text: string }>(
    db,
    sql`select distinct substring(password_hash from ',ek=([^,$]+)[$]') as text from annul.users
        where password_hash like '$fbscrypt$%,ek=%'`,
  )
  let changed = 0
  for (const { text } of sealed) {
    const renewed = seal.renew(Buffer.from(text, 'base64'))
    if (renewed === undefined) continue
    const [before, after] = [`,ek=${text}$`, `,ek=${toBase64(renewed)}$`]
    for (let batch = batchRows; batch === batchRows; changed += batch) {
      const found = await rows(
        db,
        sql`update annul.users set password_hash = replace(password_hash, ${before}::text, ${after}::text)
            where id in (
              select id from annul.users where password_hash like '$fbscrypt$%'
                and position(${before}::text in password_hash) > 0
              limit ${batchRows})
            returning 1`,
      )
      batch = found.length
    }
  }
  return changed
}
