import { appendAudit } from '../audit/appendAudit.ts'
import type { Parts } from '../parts.ts'
import { revokingAs } from '../revocation/revoking.ts'
import { type RevokedKey, revokeSigningKey } from '../tokens/revokeSigningKey.ts'
import { loadSecrets } from '../tokens/secret.ts'

/**
 * Revokes a signing key, because somebody else may know its private half. When this returns, no node accepts an access
 * token that the key has signed, and nothing that such a token asked for commits any more. Sessions go on: a refresh
 * token is no work of a signing key.
 *
 * @param kid undefined: the key that signs now
 * @throws RevokeKeyError for an unknown kid, or a key that was revoked already; WrongSecretError
 */
export async function revokeKey(
  parts: Pick<Parts, 'app' | 'config' | 'db' | 'revocation' | 'fences'>,
  kid: string | undefined,
): Promise<RevokedKey> {
  const { secret, previous } = await loadSecrets(parts.config)
  const { signingAlgorithm } = parts.config
  return revokingAs(parts, null, { kind: 'key', subject: kid }, async (tx, revoke) => {
    const revoked = await revokeSigningKey(tx, secret, previous, signingAlgorithm, kid)
    await revoke.key(revoked.kid)
    await appendAudit(tx, { kind: 'revoke-key', detail: revoked.kid })
    return revoked
  })
}
