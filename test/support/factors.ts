import { generateSync } from 'otplib'
import { must } from './answers.ts'
import { type Account, type Answer, type TokensAnswer, tokenFields } from './client.ts'
import type { TestServer } from './server.ts'

/** An account with an authenticator app. */
export interface TotpAccount extends Account {
  readonly factorId: string
  readonly secret: string
  readonly recoveryCodes: readonly string[]
  /** Of the session that enrolled the app, without a second factor. */
  readonly tokens: TokensAnswer
}

/**
 * The code of an authenticator app.
 *
 * @param steps from the present one: an app's code counts one step earlier and later, too
 */
export function codeOf(secret: string, steps = 0): string {
  return generateSync({ secret, epoch: Math.floor(Date.now() / 1000) + 30 * steps })
}

/** A code that is wrong now, and in the steps before and after. */
export function wrongCode(secret: string): string {
  const right = [-2, -1, 0, 1, 2].map(steps => codeOf(secret, steps))
  return (
    ['000000', '111111', '222222', '333333', '444444', '555555'].find(code => !right.includes(code)) ?? ''
  )
}

/** Adds an authenticator app by a code of the step before, so that the present code works afterwards. */
export async function enrollTotp(node: TestServer, accessToken: string) {
  const { enrollTotp } = must(
    await node.send<{ enrollTotp: { id: string; secret: string; uri: string } }>(
      'mutation { enrollTotp { id secret uri } }',
      { token: accessToken },
    ),
  )
  const { id, secret } = enrollTotp
  const { confirmTotp } = must(
    await node.send<{ confirmTotp: { factor: { id: string }; recoveryCodes: string[] | null } }>(
      `mutation ($id: ID!, $code: String!) {
        confirmTotp(id: $id, code: $code) { factor { id kind } recoveryCodes } }`,
      { token: accessToken, variables: { id, code: codeOf(secret, -1) } },
    ),
  )
  return { factorId: confirmTotp.factor.id, secret, recoveryCodes: confirmTotp.recoveryCodes ?? [] }
}

/** A new account with an authenticator app and recovery codes. */
export async function signUpWithTotp(node: TestServer): Promise<TotpAccount> {
  const { email, password, userId, ...tokens } = await node.signUp()
  return { email, password, userId, tokens, ...(await enrollTotp(node, tokens.accessToken)) }
}

/** What a sign-in with the password alone answers. */
export function loginAnswer(
  node: TestServer,
  { email, password }: Pick<Account, 'email' | 'password'>,
): Promise<Answer<{ login: TokensAnswer }>> {
  return node.send(`mutation ($input: LoginInput!) { login(input: $input) { ${tokenFields} } }`, {
    variables: { input: { email, password } },
  })
}

/** The challenge that `login` answers with. */
export async function challengeOf(
  node: TestServer,
  account: Pick<Account, 'email' | 'password'>,
): Promise<string> {
  const answer = await loginAnswer(node, account)
  const challenge = answer.errors?.[0]?.extensions.challenge
  if (typeof challenge !== 'string') throw new Error(`No challenge: ${JSON.stringify(answer)}`)
  return challenge
}

export function completeLogin(
  node: TestServer,
  challenge: string,
  factor: Record<string, unknown>,
  options: { headers?: Record<string, string> } = {},
): Promise<Answer<{ completeLogin: TokensAnswer }>> {
  return node.send(
    `mutation ($input: CompleteLoginInput!) { completeLogin(input: $input) { ${tokenFields} } }`,
    { variables: { input: { challenge, factor } }, ...options },
  )
}

export function reauthenticateWith(
  node: TestServer,
  accessToken: string,
  factor: Record<string, unknown>,
): Promise<Answer<{ reauthenticateWith: TokensAnswer }>> {
  return node.send(
    `mutation ($input: FactorInput!) { reauthenticateWith(input: $input) { ${tokenFields} } }`,
    { token: accessToken, variables: { input: factor } },
  )
}
