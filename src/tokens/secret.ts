import { hkdfSync, randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Config, ConfigError } from '../config.ts'
import { closeToOthers } from '../database/ownerOnly.ts'
import { isRandomSecret } from '../settingValues.ts'

/** A 32-byte key for one purpose: knowing one key tells nothing about the secret or about the others (HKDF, RFC 5869). */
export function deriveKey(secret: Uint8Array, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, 'annul', purpose, 32))
}

/** The secret, and the other one that is accepted beside it while the secret changes (docs/keys.md). */
export interface Secrets {
  readonly secret: Uint8Array
  readonly previous: Uint8Array | undefined
}

/** The keys of both secrets for one purpose, that of the present secret first. */
export function deriveKeys(
  secret: Uint8Array,
  previous: Uint8Array | undefined,
  purpose: string,
): readonly [Buffer, ...Buffer[]] {
  const key = deriveKey(secret, purpose)
  return previous === undefined ? [key] : [key, deriveKey(previous, purpose)]
}

/** @throws ConfigError as loadSecret, and where both are one and the same */
export async function loadSecrets(
  config: Pick<Config, 'secret' | 'secretPrevious' | 'dataDir'>,
): Promise<Secrets> {
  const secret = await loadSecret(config)
  const previous = config.secretPrevious
  if (previous !== undefined && Buffer.compare(secret, previous) === 0)
    throw new ConfigError(['ANNUL_SECRET_PREVIOUS must be another secret than the present one.'])
  return { secret, previous }
}

/**
 * The secret of the settings, or the one in the data directory, which is made there on the first start.
 *
 * @throws ConfigError when the file is there and does not hold at least 32 random bytes
 */
export async function loadSecret(config: Pick<Config, 'secret' | 'dataDir'>): Promise<Uint8Array> {
  if (config.secret !== undefined) return config.secret
  const file = join(config.dataDir, 'secret')
  await mkdir(config.dataDir, { recursive: true, mode: 0o700 })
  // The flag `wx`: an existing secret is never overwritten.
  await writeFile(file, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600, flag: 'wx' }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    },
  )
  await closeToOthers(file)
  const secret = Buffer.from(await readFile(file, 'utf8'), 'base64')
  if (!isRandomSecret(secret))
    throw new ConfigError([`${file} must hold at least 32 random bytes in base64.`])
  return secret
}
