import type { MailKind } from '../app/mails.ts'
import { tooManyRequests } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import { type Action, actions, type BudgetName, budgets, mostFailures } from './budgets.ts'
import { budgetKeys } from './keys.ts'
import { memoryStore } from './memoryStore.ts'
import { networkOf } from './network.ts'
import { oneAtATime } from './oneAtATime.ts'
import type { BudgetStore, Charge, Settlement, Verdict } from './store.ts'

/** Who attempts something: a visitor, as far as limits look at one. */
export interface Source {
  readonly ipAddress: string | null
  readonly device: { readonly knownId: string | undefined; knows(account: string): boolean }
}

/** What an action is about. E-mails are folded (input/email.ts), whether or not there is such an account. */
export interface Subjects {
  readonly register: Readonly<Record<string, never>>
  readonly token: Readonly<Record<string, never>>
  readonly 'factor-changes': { readonly userId: string }
  readonly passkey: Readonly<Record<string, never>>
  readonly mail: { readonly recipient: string; readonly account?: string }
  readonly reset: { readonly recipient: string }
}

/** An attempt that was charged. */
export interface Attempt {
  /** The attempt has succeeded: what it was charged is given back. Never throws. */
  succeeded(): Promise<void>
  /** Runs `work`. Where it throws, nothing was tried: everything is as before the attempt. */
  run<T>(work: () => Promise<T>): Promise<T>
}

/** An attempt with a password. */
export interface PasswordAttempt extends Attempt {
  /**
   * Whether the account takes no password from this source, after 100 failures in a row. The same work is done as
   * always, and the answer is that of a wrong password, so that nobody can tell.
   */
  readonly isLocked: boolean
}

/** An attempt with a second factor. */
export interface FactorAttempt extends PasswordAttempt {
  /** How many in a row have failed if this one does: from devices on which the user has used no factor, or on this one. */
  readonly failures: number
}

/** What may be tried how often (limits/budgets.ts). Every attempt is charged before its work begins. */
export interface Limits {
  /**
   * Charges an attempt with a password.
   *
   * A device that the account knows has a budget of its own, and none of the others. So nobody can lock the owner out:
   * not by attempts on the account, and not by attempts from the owner's own address. A device whose own attempts have
   * failed 100 times in a row is treated as unknown.
   *
   * @param account the e-mail, folded
   * @param sessionId of the session that asks for the password once more
   * @throws AuthError TOO_MANY_REQUESTS, and nothing is charged; OutageError
   */
  password(source: Source, account: string, sessionId?: string): Promise<PasswordAttempt>
  /**
   * Charges an answer with a second factor. A device on which the user has used a factor before has a budget of its own.
   *
   * @throws AuthError TOO_MANY_REQUESTS, and nothing is charged; OutageError
   */
  factor(source: Source, userId: string): Promise<FactorAttempt>
  /**
   * Charges any other attempt.
   *
   * @throws AuthError TOO_MANY_REQUESTS, and nothing is charged; OutageError
   * @example
   * await limits.charge(visitor, 'mail', { recipient: emailKey(email) })
   */
  charge<A extends Action>(
    source: Pick<Source, 'ipAddress'>,
    action: A,
    subject: Subjects[A],
  ): Promise<Attempt>
  /**
   * Counts a refresh token that is not authentic, in the memory of this node. A MAC of 256 bits can't be guessed, and
   * refusing costs microseconds and no query: the limit keeps noise small, so it need not be exact over all nodes.
   *
   * @throws AuthError TOO_MANY_REQUESTS
   */
  forgedToken(source: Source): void
  /**
   * Counts a secret of no service, in the memory of this node, as `forgedToken` does. A secret that is right is never
   * limited, so nobody can lock out a service behind the same address.
   *
   * @throws AuthError TOO_MANY_REQUESTS
   */
  wrongSecret(source: Source): void
  /**
   * Whether one more warning is mailed to an owner. Never throws: where the budgets can't be asked, it is mailed.
   *
   * @param kind of the mail
   * @param account the e-mail, folded: a stranger's address may be registered and deleted again and again
   */
  warns(kind: MailKind, account: string): Promise<boolean>
  /** The owner has proved to be the owner otherwise than by a password: failures are counted from none. Never throws. */
  proved(account: string): Promise<void>
}

/** The name by which a device knows that a user has used a factor on it: apart from e-mails, which a password proves. */
export function factorAccount(userId: string): string {
  return `factor ${userId}`
}

const noAttempt: PasswordAttempt = { isLocked: false, succeeded: async () => {}, run: work => work() }

export interface LimitsOptions {
  readonly secret: Uint8Array
  readonly store: BudgetStore
  /** ANNUL_LIMITS */
  readonly isOn: boolean
  readonly metrics: Pick<Metrics, 'limited'>
  readonly log: Pick<Log, 'warn'>
}

interface Named extends Charge {
  readonly name: BudgetName
}

export function openLimits({ secret, store, isOn, metrics, log }: LimitsOptions): Limits {
  if (!isOn)
    return {
      password: async () => noAttempt,
      factor: async () => ({ ...noAttempt, failures: 0 }),
      charge: async () => noAttempt,
      forgedToken: () => {},
      wrongSecret: () => {},
      warns: async () => true,
      proved: async () => {},
    }
  const key = budgetKeys(secret)
  const ownMemory = memoryStore()

  const name = (
    name: BudgetName,
    of: readonly string[],
    counted: Partial<Pick<Charge, 'cost' | 'failures'>> = {},
  ): Named => ({ name, key: key(name, ...of), budget: budgets[name], cost: 1, failures: 0, ...counted })

  /** @throws AuthError TOO_MANY_REQUESTS */
  const check = (charges: readonly Named[], verdict: Verdict): readonly number[] => {
    if (verdict.charged) return verdict.failures
    const { waits } = verdict
    charges.forEach((charge, at) => {
      if ((waits[at] ?? 0) > 0) metrics.limited(charge.name)
    })
    throw tooManyRequests(Math.max(1, Math.ceil(Math.max(...waits))))
  }

  const inTurn = oneAtATime(store)
  const take = async (charges: readonly Named[]) =>
    charges.length === 0 ? [] : check(charges, await inTurn(charges))

  /** The client has its answer in any case: a charge that can't be given back is given back by time. */
  const settle = (settlements: readonly Settlement[]) =>
    settlements.length === 0
      ? Promise.resolve()
      : store
          .settle(settlements)
          .catch(error => log.warn({ err: error }, 'A budget could not be given back.'))

  const attempt = (charges: readonly Named[]): Attempt => ({
    succeeded: () =>
      settle(
        charges.map(({ key, cost, failures }) => ({ key, back: cost, failures: failures ? 'none' : 'kept' })),
      ),
    async run(work) {
      try {
        return await work()
      } catch (error) {
        await settle(
          charges.map(({ key, cost, failures }) => ({
            key,
            back: cost,
            failures: failures ? 'one less' : 'kept',
          })),
        )
        throw error
      }
    },
  })

  const addressed = (
    budget: BudgetName,
    { ipAddress }: Pick<Source, 'ipAddress'>,
    ...of: readonly string[]
  ): Named[] => {
    // Where the server does not know addresses, there is nothing to tell them apart by (docs/brute-force.md).
    const network = networkOf(ipAddress)
    return network === null ? [] : [name(budget, [...of, network])]
  }

  /** @throws AuthError TOO_MANY_REQUESTS */
  const countHere = (budget: BudgetName, source: Source) => {
    const charges = addressed(budget, source)
    check(charges, ownMemory.chargeNow(charges))
  }

  return {
    async password(source, account, sessionId) {
      const counted = name('account', [account], { cost: 0, failures: 1 })
      const session = sessionId === undefined ? [] : [name('session', [account, sessionId])]
      const { knownId } = source.device
      const isKnown = knownId !== undefined && source.device.knows(account)
      const failing = isKnown ? [name('device', [account, knownId], { failures: 1 })] : []

      if (isKnown || sessionId !== undefined) {
        const charges = [counted, ...failing, ...session]
        const [onAccount = 0, onDevice] = await take(charges)
        const isTrusted = isKnown && (onDevice ?? 0) <= mostFailures
        if (isTrusted || sessionId !== undefined)
          return { ...attempt(charges), isLocked: !isTrusted && onAccount > mostFailures }
      }
      const addresses = [...addressed('account-address', source, account), ...addressed('address', source)]
      const shared = name('account', [account], { failures: 1 })
      // The failure of a device that is no longer trusted was counted above.
      const [onAccount = 0] = await take([{ ...shared, failures: isKnown ? 0 : 1 }, ...addresses])
      return { ...attempt([shared, ...addresses, ...failing]), isLocked: onAccount > mostFailures }
    },

    async factor(source, userId) {
      const { knownId } = source.device
      const onUser = name('factor', [userId], { failures: 1 })
      const isKnown = knownId !== undefined && source.device.knows(factorAccount(userId))
      const charges = isKnown
        ? [name('factor-device', [userId, knownId], { failures: 1 })]
        : [onUser, ...addressed('address', source)]
      const [failures = 0] = await take(charges)
      const { run, succeeded } = attempt(charges)
      return {
        run,
        isLocked: failures > mostFailures,
        failures,
        // Whoever has proved to be the owner ends the failures of others, too.
        succeeded: () =>
          isKnown
            ? Promise.all([succeeded(), settle([{ key: onUser.key, back: 0, failures: 'none' }])]).then(
                () => {},
              )
            : succeeded(),
      }
    },

    async charge(source, action, subject) {
      const { account, recipient, userId } = subject as {
        account?: string
        recipient?: string
        userId?: string
      }
      const charges = actions[action].flatMap(([budget, scope]) => {
        if (scope === 'address') return addressed(budget, source)
        const of = { account, recipient, user: userId }[scope]
        return of === undefined ? [] : [name(budget, [of])]
      })
      await take(charges)
      return attempt(charges)
    },

    forgedToken: source => countHere('forged-token', source),
    wrongSecret: source => countHere('service-secret', source),

    async warns(kind, account) {
      const charge = name('warning', [kind, account])
      const verdict = await inTurn([charge]).catch(error => {
        log.warn({ err: error }, 'A budget could not be charged, and a warning is mailed.')
      })
      if (verdict === undefined || verdict.charged) return true
      metrics.limited(charge.name)
      return false
    },

    proved: account => settle([{ key: key('account', account), back: 0, failures: 'none' }]),
  }
}
