import { randomBytes } from 'node:crypto'
import { type Answer, type TokensAnswer, tokenFields } from './client.ts'
import type { TestServer } from './server.ts'

/* The mutations of an account's life, as a client sends them. */

type Headers = Record<string, string>

export const newAddress = () => `new-${randomBytes(6).toString('hex')}@example.com`
export const newPassword = () => `a new password ${randomBytes(6).toString('hex')}`

export function requestPasswordReset(node: TestServer, email: string, headers: Headers = {}) {
  const query = 'mutation ($email: String!) { requestPasswordReset(email: $email) }'
  return node.send<{ requestPasswordReset: boolean }>(query, { variables: { email }, headers })
}

export function resetPassword(
  node: TestServer,
  token: string,
  password: string,
  options: { headers?: Headers; cookie?: boolean } = {},
): Promise<Answer<{ resetPassword: TokensAnswer }>> {
  const { headers = {}, cookie = false } = options
  return node.send(
    `mutation ($input: ResetPasswordInput!) { resetPassword(input: $input) { ${tokenFields} } }`,
    {
      variables: { input: { token, newPassword: password, cookie } },
      headers,
    },
  )
}

export function requestEmailVerification(node: TestServer, token: string, headers: Headers = {}) {
  return node.send<{ requestEmailVerification: boolean }>('mutation { requestEmailVerification }', {
    ...{ token, headers },
  })
}

export function verifyEmail(node: TestServer, token: string, headers: Headers = {}) {
  return node.send<{ verifyEmail: boolean }>('mutation ($token: String!) { verifyEmail(token: $token) }', {
    ...{ variables: { token }, headers },
  })
}

export function changeEmail(node: TestServer, accessToken: string, email: string) {
  const query =
    'mutation ($input: ChangeEmailInput!) { changeEmail(input: $input) { id email emailVerified status } }'
  return node.send(query, { variables: { input: { email } }, token: accessToken })
}

export function restoreEmail(node: TestServer, token: string) {
  return node.send<{ restoreEmail: boolean }>('mutation ($token: String!) { restoreEmail(token: $token) }', {
    variables: { token },
  })
}

export function register(node: TestServer, email: string, password: string) {
  const query = `mutation ($input: RegisterInput!) { register(input: $input) { ${tokenFields} } }`
  return node.send<{ register: TokensAnswer | null }>(query, { variables: { input: { email, password } } })
}

/** The device token that an answer gives to a client without cookies, as the header of the next request. */
export function deviceIn({ headers }: Answer<unknown>): Headers {
  const token = headers.get('annul-device')
  if (token === null) throw new Error('The answer has no device token.')
  return { 'annul-device': token }
}
