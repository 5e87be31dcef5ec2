import { AuthError } from '../../src/errors.ts'
import type { Parts } from '../../src/parts.ts'
import type { TestServer } from '../support/server.ts'

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
        async run(work) {
          try {
            return await work()
          } catch (error) {
            noted.push('undone')
            throw error
          }
        },
      }
    },
    async warns(...all) {
      noted.push(all)
      return warns
    },
    proved: async account => void noted.push(`proved ${account}`),
  }
  const metrics = { ...parts.metrics, loggedIn: (outcome: string) => void noted.push(outcome) }
  const log: Parts['log'] = {
    info: details => void causes.push(Reflect.get(details, 'cause')),
    warn: (...all) => parts.log.warn(...all),
    error: (...all) => parts.log.error(...all),
  }
  return { noted, causes, parts: { ...parts, limits, metrics, log, ...change } }
}

/** What a refusal tells a client, or the text of any other error. */
export function toldOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => 'accepted',
    error => (error instanceof AuthError ? error.extensions : String(error.message)),
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
