import { randomBytes, randomUUID } from 'node:crypto'
import { sql } from 'drizzle-orm'
import { userHandleOf } from '../../src/factors/passkeyOptions.ts'
import {
  type AssertionTampering,
  type Challenge,
  coseOf,
  generateKey,
  openAuthenticator,
  type Passkey,
  synced,
} from '../support/authenticator.ts'
import type { TestServer } from '../support/server.ts'

/** A passkey in a software authenticator, whose row was made by SQL: no ceremony has added it. */
export interface HeldPasskey {
  readonly factorId: string
  readonly credentialId: string
  /** Answers a challenge, as a client sends it. */
  answer(challenge: Challenge, tampering?: AssertionTampering): { id: string; response: unknown }
}

export interface HeldPasskeyOptions {
  /** Of the row. Default: a new one */
  readonly id?: string
  /** Of the authenticator, and of the row: the bits of backup. */
  readonly flags?: number
  /** Of the row. The authenticator's next answer has one more; 0: it has none. Default: 5 */
  readonly counter?: number
  /** null: as a row of before the column. Default: true */
  readonly uvInitialized?: boolean | null
  /** Default: true */
  readonly isConfirmed?: boolean
  /** As PostgreSQL writes a list. */
  readonly transports?: string | null
  /** How long the row has been there. */
  readonly ageMinutes?: number
}

const authenticator = openAuthenticator()

/** Gives a user one more passkey. */
export async function givePasskey(
  { rows }: Pick<TestServer, 'rows'>,
  userId: string,
  options: HeldPasskeyOptions = {},
): Promise<HeldPasskey> {
  const { id: factorId = randomUUID(), flags = synced, counter = 5, uvInitialized = true } = options
  const { isConfirmed = true, transports = '{internal,hybrid}', ageMinutes = 0 } = options
  const { publicKey, privateKey } = generateKey('ES256')
  const credentialId = randomBytes(32).toString('base64url')
  const isSynced = flags === synced
  await rows(sql`insert into annul.factors (id, user_id, kind, created_at, confirmed_at, credential_id, public_key,
      counter, transports, backup_eligible, backed_up, uv_initialized)
    values (${factorId}, ${userId}, 'PASSKEY', date_trunc('day', now()) - make_interval(mins => ${ageMinutes}),
      case when ${isConfirmed} then now() end, ${credentialId},
      decode(${coseOf(publicKey.export({ format: 'jwk' }), 'ES256').toString('hex')}, 'hex'),
      ${counter}, ${transports}::text[], ${isSynced}, ${isSynced}, ${uvInitialized})`)
  const passkey: Passkey = {
    ...{ id: credentialId, algorithm: 'ES256', key: privateKey, flags, counter },
    userHandle: Buffer.from(userHandleOf(userId)),
  }
  return {
    factorId,
    credentialId,
    answer: (challenge, tampering) => ({
      id: challenge.id,
      response: authenticator.get(challenge, passkey, tampering),
    }),
  }
}

/** What proofs have written to a passkey's row. */
export async function passkeyRow({ rows }: Pick<TestServer, 'rows'>, factorId: string) {
  const [row] = await rows<{
    counter: number
    backed_up: boolean
    uv_initialized: boolean | null
    used_seconds_ago: number | null
  }>(sql`select counter::int, backed_up, uv_initialized,
    extract(epoch from now() - last_used_at)::float8 as used_seconds_ago
    from annul.factors where id = ${factorId}`)
  return row
}

/** Whether a challenge of WebAuthn was used up, and how many seconds its row is kept for. */
export async function spentSeconds({ rows }: Pick<TestServer, 'rows'>, id: string) {
  const [row] = await rows<{ seconds: number }>(sql`
    select extract(epoch from expires_at - now())::float8 as seconds from annul.spent_challenges where id = ${id}`)
  return row?.seconds
}

/** A challenge of WebAuthn that is made for a purpose, for example `sign-in`. */
export function challengeFor(
  { auth: { parts } }: Pick<TestServer, 'auth'>,
  bound: string,
  ageSeconds = 0,
): Challenge {
  const { id, challenge } = parts.passkeyChallenges.make(
    'webauthn.get',
    bound,
    parts.clock.now() - ageSeconds,
  )
  return { id, options: { rpId: 'localhost', challenge: Buffer.from(challenge).toString('base64url') } }
}
