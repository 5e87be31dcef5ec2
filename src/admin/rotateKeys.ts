import { sql } from 'drizzle-orm'
import { appendAudit } from '../audit/appendAudit.ts'
import { rows } from '../database/open.ts'
import { transact } from '../database/transact.ts'
import type { Log } from '../log.ts'
import type { Parts } from '../parts.ts'
import { type RotateOptions, rotateSigningKeys } from '../tokens/rotateSigningKeys.ts'
import { loadSecrets } from '../tokens/secret.ts'

type Rotating = Pick<Parts, 'app' | 'db' | 'config'>

const daySeconds = 86_400

/**
 * Makes a new signing key of the algorithm of the settings. It signs in a minute, when every node knows it; what the
 * former one has signed stays valid.
 *
 * @returns the new key's id
 * @throws WrongSecretError
 */
export async function rotateKeys(parts: Rotating): Promise<string> {
  const kid = await rotate(parts, null, () => true)
  if (kid === undefined) throw new Error('A new signing key was not made.')
  return kid
}

/** Follows the newest key when it is older than ANNUL_KEY_DAYS: one node does, the others find a new key. */
export async function rotateOldKeys(parts: Rotating & { readonly log: Log }): Promise<void> {
  const { db, config, log } = parts
  const { keyDays } = config
  // Asked without a lock, because it is asked every minute.
  const [old] = await rows(
    db,
    sql`select 1 from annul.signing_keys where retired_at is null
        and signs_from < now() - make_interval(days => ${keyDays}) limit 1`,
  )
  if (old === undefined) return
  const kid = await rotate(
    parts,
    `older than ${keyDays} days`,
    (newest, time) => newest === undefined || newest.signsFrom < time - keyDays * daySeconds,
  )
  if (kid !== undefined) log.info({ kid }, 'A new signing key was made.')
}

/** Follows the newest key when it is of another algorithm than ANNUL_SIGNING_ALGORITHM. To be called when a node starts. */
export async function rotateToAlgorithm(parts: Rotating & { readonly log: Log }): Promise<void> {
  const { signingAlgorithm } = parts.config
  const kid = await rotate(
    parts,
    `of ${signingAlgorithm}`,
    newest => newest !== undefined && newest.algorithm !== signingAlgorithm,
  )
  if (kid !== undefined) parts.log.info({ kid, algorithm: signingAlgorithm }, 'A new signing key was made.')
}

async function rotate(
  { app, db, config }: Rotating,
  detail: string | null,
  isDue: NonNullable<RotateOptions['isDue']>,
): Promise<string | undefined> {
  const { secret, previous } = await loadSecrets(config)
  return transact({ db, app }, async tx => {
    const options = { algorithm: config.signingAlgorithm, previous, isDue }
    const kid = await rotateSigningKeys(tx, secret, options)
    if (kid !== undefined)
      await appendAudit(tx, { kind: 'rotate-keys', detail: [kid, detail].filter(Boolean).join(': ') })
    return kid
  })
}
