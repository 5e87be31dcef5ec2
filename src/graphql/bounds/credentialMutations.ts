import type { Rename } from '../rename.ts'

/**
 * The mutations of which an operation has one: they check or set a password, a code or a token, or send a mail with one.
 * By aliases, one request would try as many passwords as it has room for, and a limit of requests would count one.
 */
export const credentialMutations: readonly string[] = [
  'register',
  'login',
  'refresh',
  'reauthenticate',
  'changePassword',
  'requestEmailVerification',
  'verifyEmail',
  'requestPasswordReset',
  'resetPassword',
  'changeEmail',
  'restoreEmail',
  'confirmTotp',
  'confirmPasskey',
  'passkeyLogin',
  'completeLogin',
  'reauthenticateWith',
]

/** Their names in an app's schema. */
export function namesOfCredentialMutations({ fields = {} }: Rename): ReadonlySet<string> {
  return new Set(credentialMutations.map(name => fields[`Mutation.${name}`] ?? name))
}
