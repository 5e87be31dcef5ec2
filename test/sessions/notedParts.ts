import { AuthError } from '../../src/errors.ts'
import type { FactorAttempt } from '../../src/limits/limits.ts'
import type { Parts } from '../../src/parts.ts'
import type { VisitorDevice } from '../../src/viewer.ts'
import { noDevice } from '../support/noDevice.ts'
import type { TestServer } from '../support/server.ts'

/* Parts of a server, and devices, which note what verbs ask and tell. */

/** Runs an attempt's work, and notes `undone` where the work fails. */
export function runNoting(noted: unknown[]) {
  return async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      noted.push('undone')
      throw error
    }
  }
}

/** The server's metrics, which note the outcome of each sign-in. */
export function metricsNoting({ metrics }: Pick<Parts, 'metrics'>, noted: unknown[]): Parts['metrics'] {
  return { ...metrics, loggedIn: outcome => void noted.push(outcome) }
}

/** A device that notes which accounts it is to remember. */
export function deviceOf(...knows: string[]): VisitorDevice & { remembered: string[] } {
  const remembered: string[] = []
  return {
    ...noDevice,
    knows: account => knows.includes(account),
    remember: account => void remembered.push(account),
    remembered,
  }
}

export interface NotedParts {
  readonly parts: Parts
  /** What was asked of the limits, and told to the metrics, in order. */
  readonly noted: readonly unknown[]
  /** What the log says of refusals. */
  readonly causes: readonly unknown[]
}

/**
 * The server's parts, which note what a proof by a passkey asks and tells.
 *
 * @param change other parts
 * @param options.warns whether one more warning may be mailed
 */
export function noteParts(
  { auth: { parts } }: Pick<TestServer, 'auth'>,
  change: Partial<Parts> = {},
  { warns = true } = {},
): NotedParts {
  const noted: unknown[] = []
  const causes: unknown[] = []
  const limits: Parts['limits'] = {
    ...parts.limits,
    async charge(...all: unknown[]) {
      noted.push(all)
      return {
        succeeded: async () => void noted.push('given back'),
        run: runNoting(noted),
      }
    },
    async warns(...all) {
      noted.push(all)
      return warns
    },
    proved: async account => void noted.push(`proved ${account}`),
  }
  const metrics = metricsNoting(parts, noted)
  const log: Parts['log'] = {
    info: details => void causes.push(Reflect.get(details, 'cause')),
    warn: (...all) => parts.log.warn(...all),
    error: (...all) => parts.log.error(...all),
  }
  return { noted, causes, parts: { ...parts, limits, metrics, log, ...change } }
}

/** What a verb gave back to the limits, and told to the metrics and to the log, in order. */
export interface Noted {
  readonly noted: string[]
  readonly asked: unknown[][]
  readonly parts: Parts
}

/** The server's parts, with limits that say what the test says. */
export function partsWith(
  { auth: { parts } }: Pick<TestServer, 'auth'>,
  attempt: Partial<FactorAttempt> = {},
  change: Partial<Parts> = {},
): Noted {
  const noted: string[] = []
  const asked: unknown[][] = []
  const limits: Parts['limits'] = {
    ...parts.limits,
    async factor(...all) {
      asked.push(all)
      return {
        isLocked: false,
        failures: 0,
        succeeded: async () => void noted.push('succeeded'),
        run: runNoting(noted),
        ...attempt,
      }
    },
    async charge(...all) {
      noted.push(`charged ${all[1]}`)
      return parts.limits.charge(...all)
    },
  }
  const metrics = metricsNoting(parts, noted)
  return { noted, asked, parts: { ...parts, limits, metrics, ...change } as Parts }
}

/** What a refusal tells a client, or the text of any other error. */
export function toldOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => 'accepted',
    error => (error instanceof AuthError ? error.extensions : String(error.message)),
  )
}

/** The reason of a refusal, or its code, with the argument that it names. */
export function reasonOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'accepted',
    error =>
      [error.extensions?.reason ?? error.extensions?.code ?? error.code ?? String(error.message)]
        .concat(error.extensions?.argument ?? [])
        .join(' at '),
  )
}

/** The one refusal of passkeys. */
export const passkeyInvalid = (argument: string) => ({
  ...{ code: 'BAD_USER_INPUT', argument, reason: 'PASSKEY_INVALID' },
})

/** A database that must not be asked. */
export const noDatabase = {} as Parts['db']

/** What the audit notes of `visitorOf()`. */
export const laptop = { address: '203.0.113.7', device: 'Firefox on Linux' }
