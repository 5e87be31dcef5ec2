import { and, asc, eq, isNotNull, sql } from 'drizzle-orm'
import { factors } from '../database/tables.ts'
import type { FactorMethod } from '../errors.ts'
import type { Parts } from '../parts.ts'

/** A factor, as its owner sees it. */
export interface Factor {
  readonly id: string
  readonly kind: FactorMethod
  readonly name: string | null
  readonly createdAt: Date
  readonly lastUsedAt: Date | null
  /** Of recovery codes; null for the other kinds. */
  readonly codesLeft: number | null
}

/** What a factor's owner sees of its row, for `select` and `returning`. */
export const factorColumns = {
  id: factors.id,
  kind: factors.kind,
  name: factors.name,
  createdAt: factors.createdAt,
  lastUsedAt: factors.lastUsedAt,
  codesLeft: sql<number | null>`case when ${factors.kind} = 'RECOVERY_CODE' then (
    select count(*)::int from annul.recovery_codes c where c.factor_id = ${factors.id} and c.used_at is null) end`,
}

/** A user's factors that count, the oldest first. */
export async function listFactors({ db }: Pick<Parts, 'db'>, userId: string): Promise<Factor[]> {
  return db
    .select(factorColumns)
    .from(factors)
    .where(and(eq(factors.userId, userId), isNotNull(factors.confirmedAt)))
    .orderBy(asc(factors.createdAt), asc(factors.id))
}
