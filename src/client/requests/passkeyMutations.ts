import type { Shape } from './sendOptions.ts'

const challenge = '{id options}'

/** The mutations that `annul/client/passkeys` sends. */
export const passkeyMutations = {
  enrollPasskey: { args: '', selection: challenge },
  confirmPasskey: {
    args: '($id:ID!,$response:JSON!,$name:String)',
    selection: '{factor{id kind name createdAt lastUsedAt}recoveryCodes}',
  },
  beginPasskey: { args: '($challenge:String)', selection: challenge },
  beginPasskeyLogin: { args: '', selection: challenge },
} as const satisfies Record<string, Shape>
