import { type Column, eq, sql } from 'drizzle-orm'
import { databaseTime } from '../database/clock.ts'
import type { Queries } from '../database/open.ts'
import { preparedOnce } from '../database/preparedOnce.ts'
import { epochs, users } from '../database/tables.ts'

/** Whether the account asks for a second factor. Recovery codes alone do not: they stand in for another factor. */
const hasFactors = sql<boolean>`exists (
  select from annul.factors f
  where f.user_id = ${users.id} and f.confirmed_at is not null and f.kind in ('PASSKEY', 'TOTP'))`

/** Whether an admin has reset the account's factors a day ago, and nobody has used one since (admin/resetFactors.ts). */
const isResetDue = sql<boolean>`(coalesce(${users.factorsEndAt} <= now(), false) and ${hasFactors})`

/**
 * A user's row, the epoch and the database's time, of one instant: what a password is checked against, and what the
 * tokens that follow are made from.
 */
export async function readCredentials(queries: Queries, by: { id: string } | { emailKey: string }) {
  const [found] = await ('id' in by ? byId(queries).execute(by) : byEmailKey(queries).execute(by))
  return found
}

const byId = credentialsBy(users.id, 'id')
const byEmailKey = credentialsBy(users.emailKey, 'emailKey')

function credentialsBy(column: Column, name: string) {
  return preparedOnce(queries =>
    queries
      .select({ user: users, epoch: epochs.epoch, readAt: databaseTime, hasFactors, isResetDue })
      .from(users)
      .innerJoin(epochs, eq(epochs.id, 1))
      .where(eq(column, sql.placeholder(name)))
      .prepare(`annul_credentials_by_${name}`),
  )
}

export type Checked = NonNullable<Awaited<ReturnType<typeof readCredentials>>>
