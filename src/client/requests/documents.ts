/** The client's own mutations. They select only fields of the contract's fixed part. */
const tokens = '{accessToken expiresIn refreshToken session{id}user{id email emailVerified roles scopes}}'

/** A mutation whose only argument is `input`, of the type that is named after the mutation. */
const withInput = (field: string) =>
  `mutation($input:${field.replace(/^./, letter => letter.toUpperCase())}Input!){${field}(input:$input)${tokens}}`

export const documents = {
  login: withInput('login'),
  register: withInput('register'),
  resetPassword: withInput('resetPassword'),
  changePassword: withInput('changePassword'),
  refresh: `mutation($refreshToken:String,$attempt:String){refresh(refreshToken:$refreshToken,attempt:$attempt)${tokens}}`,
  logout: 'mutation($refreshToken:String){logout(refreshToken:$refreshToken)}',
  revokeOtherSessions: `mutation{revokeOtherSessions${tokens}}`,
  reauthenticate: `mutation($password:String!){reauthenticate(password:$password)${tokens}}`,
} as const
