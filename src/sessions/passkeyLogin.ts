import { appendAuditAlone } from '../audit/appendAudit.ts'
import { transact } from '../database/transact.ts'
import { AuthError } from '../errors.ts'
import { passkeyInvalid } from '../factors/passkeys.ts'
import { originOf } from '../input/origin.ts'
import type { Parts } from '../parts.ts'
import type { DeviceVisitor } from '../viewer.ts'
import { boundToSignIn } from './beginPasskey.ts'
import { checkPasskey, type PasskeyProof } from './checkPasskey.ts'
import { finishLogin, rememberOwner } from './finishLogin.ts'
import type { Tokens } from './issueTokens.ts'
import { useProof } from './useProof.ts'

const argument = 'input.response'

/**
 * Opens a session by a passkey alone. The authenticator must have verified its user: so the passkey is both factors at
 * once, what the user has and what the user knows or is. An unknown passkey, a wrong signature and a blocked user give
 * the same answer.
 *
 * @throws AuthError BAD_USER_INPUT / PASSKEY_INVALID, TOO_MANY_REQUESTS
 */
export async function passkeyLogin(
  parts: Parts,
  visitor: DeviceVisitor,
  input: { id: string; response: unknown; cookie?: boolean },
): Promise<Tokens> {
  // Whose passkey it is, only a right signature tells: so the attempt is charged to the address alone.
  const attempt = await parts.limits.charge(visitor, 'passkey', {})
  const proof = await attempt.run(() => proveUser(parts, visitor, input))
  if (proof instanceof AuthError) throw proof
  // No guess, whatever comes of the session.
  await attempt.succeeded()
  const { checked, amr, factorId } = proof
  // After a signing key was revoked, the next one is being read. Not in the transaction, whose connection it may need.
  await parts.keys.awaitCurrent()
  const tokens = await transact(parts, async tx => {
    await useProof(tx, visitor, checked.user.id, proof)
    return finishLogin(parts, tx, visitor, checked, {
      cookie: input.cookie ?? false,
      proved: { amr, factorIds: [factorId] },
      detail: 'by a passkey',
    })
  })
  await rememberOwner(parts, visitor, checked.user)
  parts.metrics.loggedIn('accepted')
  return tokens
}

/** The proof of an active user, or the refusal. An outage is no wrong answer, so that it is thrown. */
async function proveUser(
  parts: Parts,
  visitor: DeviceVisitor,
  input: { id: string; response: unknown },
): Promise<PasskeyProof | AuthError> {
  const wanted = { boundTo: boundToSignIn, userVerification: true, argument }
  const proof = await checkPasskey(parts, visitor, input, wanted).catch(error => {
    if (error instanceof AuthError && error.code === 'BAD_USER_INPUT') return error
    throw error
  })
  if (!(proof instanceof AuthError) && proof.checked.user.status === 'ACTIVE') return proof
  const told =
    proof instanceof AuthError
      ? { detail: 'passkey' }
      : { detail: 'blocked user', userId: proof.checked.user.id }
  await appendAuditAlone(parts, { kind: 'login-failed', ...told, ...originOf(visitor) })
  parts.metrics.loggedIn('refused')
  return passkeyInvalid(argument)
}
