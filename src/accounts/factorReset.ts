import { eq } from 'drizzle-orm'
import type { UserRow } from '../database/rows.ts'
import { users } from '../database/tables.ts'
import { unauthenticated } from '../errors.ts'
import type { Parts } from '../parts.ts'

/** How an admin's reset of the factors treats an account (admin/resetFactors.ts). */
export interface FactorReset {
  readonly delay: boolean
  /** When a reset that is under way takes effect. */
  readonly at: Date | null
}

/** Reads it for the viewer's account. */
export async function factorReset({ db }: Pick<Parts, 'db'>, userId: string): Promise<FactorReset> {
  const { delayFactorReset, factorsEndAt } = users
  const [user] = await db.select({ delayFactorReset, factorsEndAt }).from(users).where(eq(users.id, userId))
  if (user === undefined) throw unauthenticated('USER_DELETED')
  return factorResetOf(user)
}

export function factorResetOf(user: Pick<UserRow, 'delayFactorReset' | 'factorsEndAt'>): FactorReset {
  return { delay: user.delayFactorReset, at: user.factorsEndAt }
}
