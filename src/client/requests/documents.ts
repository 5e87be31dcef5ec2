import type { Rename } from '../types.ts'
import type { Shape } from './sendOptions.ts'

/** The name of one of the client's own mutations. */
export type OwnMutation =
  | 'login'
  | 'register'
  | 'resetPassword'
  | 'changePassword'
  | 'completeLogin'
  | 'passkeyLogin'
  | 'refresh'
  | 'logout'
  | 'revokeOtherSessions'
  | 'reauthenticate'
  | 'reauthenticateWith'

/** The arguments of those that do not take an `input` of a type that is named after them. */
const argumentsOf: Partial<Record<string, string>> = {
  refresh: '($refreshToken:String,$attempt:String)',
  logout: '($refreshToken:String)',
  revokeOtherSessions: '',
  reauthenticate: '($password:String!)',
  reauthenticateWith: '($input:FactorInput!)',
} satisfies Partial<Record<OwnMutation, string>>

/** Only fields of the contract's fixed part. */
const tokens = '{accessToken expiresIn refreshToken session{id}user{id email emailVerified roles scopes}}'

/** A mutation under the server's names. The alias keeps the answer as it is. */
export function documentOf(
  field: string,
  rename: Rename | undefined,
  {
    args = argumentsOf[field] ?? `($input:${field.replace(/^./, letter => letter.toUpperCase())}Input!)`,
    selection = tokens,
  }: Shape,
): string {
  const declared = args.replace(/\w+Input|JSON/, type => rename?.types?.[type] ?? type)
  const passed = args.replace(/\$(\w+):\w+!?/g, '$1:$$$1')
  return `mutation${declared}{${field}:${rename?.fields?.[`Mutation.${field}`] ?? field}${passed}${selection}}`
}
