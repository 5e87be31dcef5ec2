import { type SQL, sql } from 'drizzle-orm'
import { arrayOf } from '../database/arrayOf.ts'
import type { Database } from '../database/open.ts'
import { refusesNull } from '../database/outage.ts'
import { writtenOnce } from '../database/preparedOnce.ts'
import type { Budget } from './budgets.ts'
import { type BudgetStore, type Charge, type Verdict, waitOf } from './store.ts'

/** Races lost in a row, before an attempt is refused without a look at the budgets. */
const maxTries = 5

/**
 * Budgets in the table `budgets`, for all nodes together. A charge is one statement, which changes every budget of the
 * attempt or none:
 *
 *  - It looks at the budgets first, and where one has no room it writes nothing and locks nothing. So a flood of refused
 *    attempts costs a read each, and takes nothing from a budget that has room.
 *  - Between the look and the write others may have charged the same budgets. The write works on the newest version of
 *    each row, under its lock. Where the room is gone by then, the new value is null, which the column refuses: the
 *    whole statement fails, and nothing of it stays. The next look sees the budget without room.
 *
 * A guard that reads and then writes would let all pass that read before the first wrote. Rows are locked in the order
 * of their keys, so no two attempts wait for each other. Time is the database's.
 */
export function databaseStore(db: Database): BudgetStore {
  const charge = async (charges: readonly Charge[], tries = 0): Promise<Verdict> => {
    const found = await chargeAll(db, {
      keys: arrayOf(charges.map(({ key }) => key.toString('hex'))),
      costs: arrayOf(charges.map(({ cost }) => cost)),
      failures: arrayOf(charges.map(({ failures }) => failures)),
      mosts: arrayOf(charges.map(({ budget }) => budget.most)),
      seconds: arrayOf(charges.map(({ budget }) => budget.seconds)),
    }).catch(error => {
      if (!refusesNull(error, 'spent')) throw error
    })
    if (found === undefined)
      return tries < maxTries
        ? charge(charges, tries + 1)
        : { charged: false, waits: charges.map(({ cost }) => cost) }
    const failures = found.flatMap(row => row.failures ?? [])
    return failures.length === charges.length
      ? { charged: true, failures }
      : {
          charged: false,
          waits: found.map(({ cost, spent, most, seconds }) =>
            cost === 0 ? 0 : waitOf({ most, seconds }, spent),
          ),
        }
  }

  return {
    charge: charges => charge(charges),
    async settle(settlements) {
      await settleAll(db, {
        keys: arrayOf(settlements.map(({ key }) => key.toString('hex'))),
        backs: arrayOf(settlements.map(({ back }) => back)),
        fails: arrayOf(settlements.map(({ failures }) => failures)),
      })
    },
  }
}

/** Of each charge, in their order. */
interface Standing extends Budget {
  readonly cost: number
  readonly spent: number
  /** null: nothing was charged. */
  readonly failures: number | null
}

/** What is left of a row's `spent`, after what time has given back. */
const left = (wanted: SQL) => {
  const elapsed = sql`greatest(0, extract(epoch from clock_timestamp() - b.spent_at)::float8)`
  return sql`greatest(0, b.spent - ${elapsed} * ${wanted}.most / ${wanted}.seconds)`
}

const { placeholder } = sql

const chargeAll = writtenOnce<Standing>(sql`
  with wanted as (
    select decode(hex, 'hex') as key, position, cost, failing, most, seconds
    from unnest(
      ${placeholder('keys')}::text::text[], ${placeholder('costs')}::text::float8[],
      ${placeholder('failures')}::text::int[], ${placeholder('mosts')}::text::float8[],
      ${placeholder('seconds')}::text::float8[])
    with ordinality as given (hex, cost, failing, most, seconds, position)),
  standing as (
    select w.*, coalesce(${left(sql`w`)}, 0) as spent
    from wanted w left join annul.budgets b on b.key = w.key),
  charged as (
    insert into annul.budgets as b (key, spent, spent_at, failures)
    select key, cost, clock_timestamp(), failing from standing
    where not exists (select from standing where cost > 0 and spent + cost > most)
    order by key
    on conflict (key) do update set
      spent = (
        select case when w.cost = 0 or ${left(sql`w`)} + w.cost <= w.most then ${left(sql`w`)} + w.cost end
        from wanted w where w.key = excluded.key),
      spent_at = clock_timestamp(),
      failures = b.failures + excluded.failures
    returning key, failures)
  select s.cost, s.most, s.seconds, s.spent, c.failures from standing s left join charged c on c.key = s.key
  order by s.position`)

const settleAll = writtenOnce(sql`
  with settled as (
    select decode(hex, 'hex') as key, back, fails
    from unnest(
      ${placeholder('keys')}::text::text[], ${placeholder('backs')}::text::float8[],
      ${placeholder('fails')}::text::text[])
    as given (hex, back, fails)),
  held as (select b.key from annul.budgets b join settled using (key) order by b.key for update of b)
  update annul.budgets b
  set spent = greatest(0, b.spent - s.back),
    failures = case s.fails when 'none' then 0 when 'kept' then b.failures else greatest(0, b.failures - 1) end
  from settled s where s.key = b.key and b.key in (select key from held)`)
