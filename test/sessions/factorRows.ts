import { randomBytes, randomUUID } from 'node:crypto'
import { sql } from 'drizzle-orm'
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
