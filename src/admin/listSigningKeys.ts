import { desc } from 'drizzle-orm'
import { signingKeys } from '../database/tables.ts'
import type { Parts } from '../parts.ts'
import { retiredSeconds } from '../tokens/signingKeyRows.ts'

/** A key that signs access tokens, or has signed some. */
export interface SigningKeySeen {
  /** The key's id, the header `kid` of the tokens that it has signed. */
  readonly id: string
  readonly algorithm: string
  /** Whether the answering node signs with it now. */
  readonly signs: boolean
  readonly signsFrom: Date
  readonly retiredAt: Date | null
  /** Null: no end is set, or it was revoked. */
  readonly verifiesUntil: Date | null
  readonly revokedAt: Date | null
}

/** More than a server has. */
const most = 1000

/** The keys, the newest first. Of their private halves nothing is read. */
export async function listSigningKeys({
  db,
  keys,
}: Pick<Parts, 'db' | 'keys'>): Promise<readonly SigningKeySeen[]> {
  const { id, algorithm, signsFrom, retiredAt, revokedAt } = signingKeys
  const found = await db
    .select({ id, algorithm, signsFrom, retiredAt, revokedAt })
    .from(signingKeys)
    .orderBy(desc(signsFrom), desc(id))
    .limit(most)
  await keys.awaitCurrent()
  const { kid } = keys.current()
  return found.map(row => ({
    ...row,
    signs: row.id === kid,
    verifiesUntil:
      row.retiredAt === null || row.revokedAt !== null
        ? null
        : new Date(row.retiredAt.getTime() + retiredSeconds * 1000),
  }))
}
