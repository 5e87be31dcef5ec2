import type { Rename } from '../types.ts'

/** The client's own mutations. They select only fields of the contract's fixed part. */
const tokens = '{accessToken expiresIn refreshToken session{id}user{id email emailVerified roles scopes}}'

/** A mutation whose only argument is `input`, of the type that is named after the mutation. */
const withInput = (field: string) =>
  `mutation($input:${field.replace(/^./, letter => letter.toUpperCase())}Input!){${field}(input:$input)${tokens}}`

const documents = {
  login: withInput('login'),
  register: withInput('register'),
  resetPassword: withInput('resetPassword'),
  changePassword: withInput('changePassword'),
  refresh: `mutation($refreshToken:String,$attempt:String){refresh(refreshToken:$refreshToken,attempt:$attempt)${tokens}}`,
  logout: 'mutation($refreshToken:String){logout(refreshToken:$refreshToken)}',
  revokeOtherSessions: `mutation{revokeOtherSessions${tokens}}`,
  reauthenticate: `mutation($password:String!){reauthenticate(password:$password)${tokens}}`,
} as const

/** The name of one of the client's own mutations. */
export type OwnMutation = keyof typeof documents

/** A mutation under the server's names. The alias keeps the answer as it is. */
export const documentOf = (field: OwnMutation, { types, fields }: Rename) =>
  documents[field]
    .replace(/\w+Input/, type => types?.[type] ?? type)
    .replace(`{${field}`, `{${field}:${fields?.[`Mutation.${field}`] ?? field}`)
