import { randomBytes, randomUUID } from 'node:crypto'
import { sql } from 'drizzle-orm'
import type { FactorAttempt } from '../../src/limits/limits.ts'
import type { Parts } from '../../src/parts.ts'
import type { TestServer } from '../support/server.ts'

/* Factors of users who were made by SQL, for tests that call verbs directly. */

type Node = Pick<TestServer, 'auth' | 'rows'>

export interface App {
  readonly id: string
  readonly secret: string
}

/** An authenticator app, which counts. */
export async function addApp({ auth: { parts }, rows }: Node, userId: string): Promise<App> {
  const id = randomUUID()
  const { sealed, secret } = parts.totp.create(id, 'ada@example.com')
  await rows(sql`insert into annul.factors (id, user_id, kind, confirmed_at, secret)
    values (${id}, ${userId}, 'TOTP', now(), ${Buffer.from(sealed)})`)
  return { id, secret }
}

/** A set of recovery codes, which counts. @param codes as `readRecoveryCode` reads them */
export async function addCodes({ auth: { parts }, rows }: Node, userId: string, codes: readonly string[]) {
  const id = randomUUID()
  const salt = randomBytes(16)
  await rows(sql`insert into annul.factors (id, user_id, kind, confirmed_at, secret)
    values (${id}, ${userId}, 'RECOVERY_CODE', now(), ${salt})`)
  for (const code of codes) {
    const hash = await parts.passwords.derive(code, salt)
    await rows(sql`insert into annul.recovery_codes (factor_id, hash) values (${id}, ${hash})`)
  }
  return id
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
        async run(work) {
          try {
            return await work()
          } catch (error) {
            noted.push('undone')
            throw error
          }
        },
        ...attempt,
      }
    },
    async charge(...all) {
      noted.push(`charged ${all[1]}`)
      return parts.limits.charge(...all)
    },
  }
  const metrics = { ...parts.metrics, loggedIn: (outcome: string) => void noted.push(outcome) }
  return { noted, asked, parts: { ...parts, limits, metrics, ...change } as Parts }
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
