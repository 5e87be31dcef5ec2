import { randomBytes } from 'node:crypto'
import { describe, it, jest } from '@jest/globals'
import { sql } from 'drizzle-orm'
import fc from 'fast-check'
import { AuthError } from '../../src/errors.ts'
import { type BudgetName, budgets, mostFailures } from '../../src/limits/budgets.ts'
import { databaseStore } from '../../src/limits/databaseStore.ts'
import { type Limits, openLimits } from '../../src/limits/limits.ts'
import { memoryStore } from '../../src/limits/memoryStore.ts'
import { onPostgres } from '../support/database.ts'
import { useServer } from '../support/server.ts'
import { passTime } from './support.ts'

jest.setTimeout(300_000)

const server = useServer()

/*
 * The limits of passwords as plain as they get, beside the real ones: two accounts, two addresses, a device that knows
 * both accounts, a session. Time passes only when a command says so.
 */

class Model {
  readonly spent = new Map<string, number>()
  readonly failures = new Map<string, number>()

  pass(seconds: number): void {
    for (const [name, spent] of this.spent) {
      const { most, seconds: all } = budgets[name.split(' ')[0] as BudgetName]
      this.spent.set(name, Math.max(0, spent - (most / all) * seconds))
    }
  }

  /** @returns undefined: refused, and nothing has changed */
  attempt({
    account,
    address,
    isKnown,
    session,
  }: Attempt): { isLocked: boolean; took: string[] } | undefined {
    const [shared, device] = [`account ${account}`, `device ${account}`]
    const both = [`account-address ${account} ${address}`, `address ${address}`]
    const asked = session ? [`session ${account}`] : []
    if (isKnown || session) {
      const took = [...(isKnown ? [device] : []), ...asked]
      if (!this.#take(took)) return undefined
      const onAccount = this.#fail(shared)
      const isTrusted = isKnown && this.#fail(device) <= mostFailures
      if (isTrusted || session) return { isLocked: !isTrusted && onAccount > mostFailures, took }
      if (!this.#take([shared, ...both])) return undefined
      return { isLocked: onAccount > mostFailures, took: [...took, shared, ...both] }
    }
    const took = [shared, ...both]
    if (!this.#take(took)) return undefined
    return { isLocked: this.#fail(shared) > mostFailures, took }
  }

  succeed({ account, isKnown }: Attempt, took: readonly string[]): void {
    this.giveBack(took)
    this.failures.set(`account ${account}`, 0)
    if (isKnown) this.failures.set(`device ${account}`, 0)
  }

  crash({ account, isKnown }: Attempt, took: readonly string[]): void {
    this.giveBack(took)
    for (const name of [`account ${account}`, ...(isKnown ? [`device ${account}`] : [])])
      this.failures.set(name, (this.failures.get(name) ?? 0) - 1)
  }

  giveBack(took: readonly string[]): void {
    for (const name of took) this.spent.set(name, Math.max(0, (this.spent.get(name) ?? 0) - 1))
  }

  #take(names: readonly string[]): boolean {
    const isFull = (name: string) =>
      // Real time passes too, by milliseconds: the real budget is a little emptier.
      (this.spent.get(name) ?? 0) + 1 > budgets[name.split(' ')[0] as BudgetName].most + 0.001
    if (names.some(isFull)) return false
    for (const name of names) this.spent.set(name, (this.spent.get(name) ?? 0) + 1)
    return true
  }

  #fail(name: string): number {
    const failures = (this.failures.get(name) ?? 0) + 1
    this.failures.set(name, failures)
    return failures
  }
}

interface Attempt {
  readonly account: string
  readonly address: string
  readonly isKnown: boolean
  readonly session: boolean
  /** What comes of it, unless it is locked. */
  readonly outcome: 'right' | 'wrong' | 'crash'
  /** How often it is made, one after the other. */
  readonly times: number
}

interface Real {
  readonly limits: Limits
  readonly run: string
  pass(seconds: number): Promise<void>
  /** Takes back the milliseconds that have passed by themselves. */
  stop(): Promise<void>
}

class AttemptCommand implements fc.AsyncCommand<Model, Real> {
  readonly attempt: Attempt

  constructor(attempt: Attempt) {
    this.attempt = attempt
  }

  check = () => true

  async run(model: Model, real: Real): Promise<void> {
    for (let time = 0; time < this.attempt.times; time++) await this.#once(model, real)
  }

  async #once(model: Model, { limits, run, stop }: Real): Promise<void> {
    const { account, address, isKnown, session, outcome } = this.attempt
    const named = `${account} ${run}`
    const device = { knownId: isKnown ? `device ${run}` : undefined, knows: () => isKnown }
    await stop()
    const made = await limits
      .password({ ipAddress: address, device }, named, session ? `session ${run}` : undefined)
      .catch(error => {
        if (error instanceof AuthError && error.code === 'TOO_MANY_REQUESTS') return undefined
        throw error
      })
    const expected = model.attempt(this.attempt)
    if (made?.isLocked !== expected?.isLocked)
      throw new Error(`${this}: locked ${made?.isLocked}, and ${expected?.isLocked} in the model.`)
    if (made === undefined || expected === undefined || made.isLocked || outcome === 'wrong') return
    if (outcome === 'right') {
      await made.succeeded()
      model.succeed(this.attempt, expected.took)
    } else {
      await made.run(() => Promise.reject(new Error('Crash.'))).catch(() => {})
      model.crash(this.attempt, expected.took)
    }
  }

  toString = () => `attempt(${JSON.stringify(this.attempt)})`
}

class PassCommand implements fc.AsyncCommand<Model, Real> {
  readonly seconds: number

  constructor(seconds: number) {
    this.seconds = seconds
  }

  check = () => true

  async run(model: Model, { pass, stop }: Real): Promise<void> {
    await stop()
    await pass(this.seconds)
    model.pass(this.seconds)
  }

  toString = () => `pass(${this.seconds} s)`
}

class ProveCommand implements fc.AsyncCommand<Model, Real> {
  readonly account: string

  constructor(account: string) {
    this.account = account
  }

  check = () => true

  async run(model: Model, { limits, run }: Real): Promise<void> {
    await limits.proved(`${this.account} ${run}`)
    model.failures.set(`account ${this.account}`, 0)
  }

  toString = () => `prove(${this.account})`
}

const accounts = fc.constantFrom('ada@example.com', 'bob@example.com')
const commands = fc.commands(
  [
    fc
      .record<Attempt>({
        account: accounts,
        address: fc.constantFrom('192.0.2.1', '2001:db8::1'),
        isKnown: fc.boolean(),
        session: fc.boolean(),
        outcome: fc.constantFrom('wrong', 'wrong', 'right', 'crash'),
        times: fc.constantFrom(1, 1, 2, 5, 11),
      })
      .map(attempt => new AttemptCommand(attempt)),
    // Whole attempts of every budget, and what lies between.
    fc.constantFrom(45, 90, 180, 360, 900).map(seconds => new PassCommand(seconds)),
    accounts.map(account => new ProveCommand(account)),
  ],
  { maxCommands: 40 },
)

const options = { secret: randomBytes(32), isOn: true, metrics: { limited() {} }, log: { warn() {} } }

const inDatabase = (): Omit<Real, 'run'> => ({
  limits: openLimits({ ...options, store: databaseStore(server.auth.parts.db) }),
  pass: seconds => passTime(server, seconds),
  stop: async () => {
    await server.rows(
      sql`update annul.budgets set spent_at = clock_timestamp() where spent_at > now() - interval '40 s'`,
    )
  },
})

const inMemory = (): Omit<Real, 'run'> => {
  let now = 0
  const store = memoryStore(() => now)
  return {
    limits: openLimits({ ...options, store }),
    pass: async seconds => {
      now += 1000 * seconds
    },
    stop: async () => {},
  }
}

/** Runs begin with as many failures, so that a short one meets the hundredth. */
async function failBefore(model: Model, { limits, pass, run }: Real, failures: number): Promise<void> {
  for (let done = 0; done < failures; done += 5) {
    for (let time = 0; time < Math.min(5, failures - done); time++) {
      const device = { knownId: undefined, knows: () => false }
      await limits.password({ ipAddress: null, device }, `ada@example.com ${run}`)
    }
    await pass(900)
  }
  model.failures.set('account ada@example.com', failures)
}

const places: [string, number, () => Omit<Real, 'run'>][] = [
  ['memory', 500, inMemory],
  ...(onPostgres ? [['the database', 25, inDatabase] as [string, number, () => Omit<Real, 'run'>]] : []),
]

describe.each(places)('the limits of passwords in %s', (_, numRuns, open) => {
  it('are those of the model, whatever is tried and however time passes', async () => {
    await fc.assert(
      fc.asyncProperty(commands, fc.constantFrom(0, 0, 97), async (run, failures) => {
        const real = { ...open(), run: randomBytes(6).toString('hex') }
        const model = new Model()
        // Addresses are shared by all runs.
        if (onPostgres) await server.rows(sql`delete from annul.budgets`)
        await failBefore(model, real, failures)
        await fc.asyncModelRun(() => ({ model, real }), run)
      }),
      { numRuns },
    )
  })
})
