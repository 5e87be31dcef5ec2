import { randomUUID } from 'node:crypto'
import { sql } from 'drizzle-orm'
import { generateSync } from 'otplib'
import { must } from './answers.ts'
import { type Account, type Answer, type Client, type TokensAnswer, tokenFields } from './client.ts'
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

/** Whatever sends operations. */
type Sender = Pick<Client, 'send'>

export interface BegunTotp {
  readonly id: string
  readonly secret: string
  readonly uri: string
}

export async function beginTotp(node: Sender, token: string): Promise<BegunTotp> {
  const query = 'mutation { enrollTotp { id secret uri } }'
  return must(await node.send<{ enrollTotp: BegunTotp }>(query, { token })).enrollTotp
}

export interface ConfirmedTotp {
  readonly factor: { readonly id: string }
  readonly recoveryCodes: string[] | null
}

/** @param code default: the app's present code */
export function confirmTotp(
  node: Sender,
  token: string,
  { id, secret }: Pick<BegunTotp, 'id' | 'secret'>,
  code = codeOf(secret),
): Promise<Answer<{ confirmTotp: ConfirmedTotp }>> {
  const query = `mutation ($id: ID!, $code: String!) {
    confirmTotp(id: $id, code: $code) {
      factor { id kind name createdAt lastUsedAt codesLeft }
      recoveryCodes
    } }`
  return node.send(query, { token, variables: { id, code } })
}

/** Adds an authenticator app by its present code, which works once more afterwards. */
export async function enrollTotp(node: Sender & Pick<TestServer, 'rows'>, accessToken: string) {
  const begun = await beginTotp(node, accessToken)
  const { recoveryCodes } = must(await confirmTotp(node, accessToken, begun)).confirmTotp
  await freeCode(node, begun.id)
  return { factorId: begun.id, secret: begun.secret, recoveryCodes: recoveryCodes ?? [] }
}

/** A new account with an authenticator app and recovery codes. */
export async function signUpWithTotp(node: TestServer): Promise<TotpAccount> {
  const { email, password, userId, ...tokens } = await node.signUp()
  return { email, password, userId, tokens, ...(await enrollTotp(node, tokens.accessToken)) }
}

/** What a sign-in with the password alone answers. */
export function loginAnswer(
  node: Sender,
  { email, password }: Pick<Account, 'email' | 'password'>,
): Promise<Answer<{ login: TokensAnswer }>> {
  return node.send(`mutation ($input: LoginInput!) { login(input: $input) { ${tokenFields} } }`, {
    variables: { input: { email, password } },
  })
}

/** The challenge that `login` answers with. */
export async function challengeOf(
  node: Sender,
  account: Pick<Account, 'email' | 'password'>,
): Promise<string> {
  const answer = await loginAnswer(node, account)
  const challenge = answer.errors?.[0]?.extensions.challenge
  if (typeof challenge !== 'string') throw new Error(`No challenge: ${JSON.stringify(answer)}`)
  return challenge
}

export function completeLogin(
  node: Sender,
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
  node: Sender,
  accessToken: string,
  factor: Record<string, unknown>,
): Promise<Answer<{ reauthenticateWith: TokensAnswer }>> {
  return node.send(
    `mutation ($input: FactorInput!) { reauthenticateWith(input: $input) { ${tokenFields} } }`,
    { token: accessToken, variables: { input: factor } },
  )
}

/** Lets the present code of an authenticator app work again. */
export async function freeCode(node: Pick<TestServer, 'rows'>, factorId: string): Promise<void> {
  await node.rows(sql`update annul.factors set last_step = null where id = ${factorId}`)
}

/** Signs in with the password, and the present code of the app or the recovery code that is given. */
export async function loginWithFactor(
  node: TestServer,
  account: Pick<TotpAccount, 'email' | 'password' | 'factorId' | 'secret'>,
  recoveryCode?: string,
): Promise<TokensAnswer> {
  const challenge = await challengeOf(node, account)
  await freeCode(node, account.factorId)
  const factor = recoveryCode === undefined ? { totp: codeOf(account.secret) } : { recoveryCode }
  const { completeLogin: tokens } = must(await completeLogin(node, challenge, factor))
  await freeCode(node, account.factorId)
  return tokens
}

export interface ListedFactor {
  readonly id: string
  readonly kind: string
  readonly name: string | null
  readonly codesLeft: number | null
}

export async function listFactors(node: Sender, token: string): Promise<readonly ListedFactor[]> {
  const query = '{ factors { id kind name createdAt lastUsedAt codesLeft } }'
  return must(await node.send<{ factors: ListedFactor[] }>(query, { token })).factors
}

export function renameFactor(
  node: Sender,
  token: string,
  id: string,
  name: string,
): Promise<Answer<{ renameFactor: ListedFactor }>> {
  const query = `mutation ($id: ID!, $name: String!) {
    renameFactor(id: $id, name: $name) { id kind name codesLeft } }`
  return node.send(query, { token, variables: { id, name } })
}

export function removeFactor(
  node: Sender,
  token: string,
  id: string,
): Promise<Answer<{ removeFactor: boolean }>> {
  return node.send('mutation ($id: ID!) { removeFactor(id: $id) }', { token, variables: { id } })
}

export function makeRecoveryCodes(
  node: Sender,
  token: string,
): Promise<Answer<{ makeRecoveryCodes: string[] }>> {
  return node.send('mutation { makeRecoveryCodes }', { token })
}

/** A passkey that is nobody's: only its row matters. @returns its id */
export async function insertPasskey(node: TestServer, userId: string): Promise<string> {
  const id = randomUUID()
  await node.rows(sql`
    insert into annul.factors (id, user_id, kind, confirmed_at, credential_id, public_key, counter)
    values (${id}, ${userId}, 'PASSKEY', now(), ${id}, '', 0)`)
  return id
}
