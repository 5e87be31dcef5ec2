import { randomBytes } from 'node:crypto'
import { appendFileSync } from 'node:fs'

/** One error of an answer, as a client reads it. */
export interface ResponseError {
  readonly message: string
  readonly path?: (string | number)[]
  readonly extensions: {
    readonly code: string
    readonly reason?: string
    readonly recover?: string
    readonly argument?: string
    readonly [more: string]: unknown
  }
}

export interface Answer<Data = Record<string, unknown>> {
  readonly status: number
  readonly headers: Headers
  readonly data: Data | null | undefined
  readonly errors: ResponseError[] | undefined
  /** The code of the first error. */
  readonly code: string | undefined
  readonly reason: string | undefined
}

export interface TokensAnswer {
  readonly accessToken: string
  readonly refreshToken: string
  readonly expiresIn: number
  readonly session: { readonly id: string; readonly expiresAt: string }
  readonly user: { readonly id: string }
}

export interface Account {
  readonly email: string
  readonly password: string
  readonly userId: string
}

export interface Client {
  /** Sends an operation over HTTP as a client would. */
  send<Data = Record<string, unknown>>(
    query: string,
    options?: { variables?: Record<string, unknown>; token?: string; headers?: Record<string, string> },
  ): Promise<Answer<Data>>
  /** Registers a fresh account. */
  signUp(): Promise<Account & TokensAnswer>
  login(account: Pick<Account, 'email' | 'password'>): Promise<TokensAnswer>
  /** Refreshes. @returns the answer, refusals included */
  refresh(refreshToken: string, attempt?: string): Promise<Answer<{ refresh: TokensAnswer }>>
}

export const tokenFields = 'accessToken refreshToken expiresIn session { id expiresAt } user { id }'

interface SendOptions {
  readonly variables?: unknown
  readonly token?: string | undefined
  readonly headers?: Record<string, string> | undefined
}

/** Sends an operation over HTTP. @returns the answer as it comes */
export function postOperation(url: string, query: string, options: SendOptions = {}): Promise<Response> {
  const { variables, token, headers } = options
  return fetch(`${url}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token && { authorization: `Bearer ${token}` }),
      ...headers,
    },
    body: JSON.stringify({ query, variables }),
  })
}

/** A client of a node. It notes every secret that it uses; globalTeardown.js looks for them in the logs of the run. */
export function createClient(url: string): Client {
  const send: Client['send'] = async (query, { variables, token, headers } = {}) => {
    const response = await postOperation(url, query, { variables, token, headers })
    const { data, errors } = (await response.json()) as { data: never; errors?: ResponseError[] }
    const [first] = errors ?? []
    const { code, reason } = first?.extensions ?? {}
    noteSecrets(variables, data, token, errors)
    return { status: response.status, headers: response.headers, data, errors, code, reason }
  }

  const tokensOf = async (
    query: string,
    name: string,
    variables: Record<string, unknown>,
  ): Promise<TokensAnswer> => {
    const answer = await send<Record<string, TokensAnswer>>(query, { variables })
    const tokens = answer.data?.[name]
    if (!tokens) throw new Error(`${name} failed: ${JSON.stringify(answer.errors)}`)
    return tokens
  }

  return {
    send,
    async signUp() {
      const email = `user-${randomBytes(6).toString('hex')}@example.com`
      const password = `password ${randomBytes(9).toString('base64url')}`
      const tokens = await tokensOf(
        `mutation ($input: RegisterInput!) { register(input: $input) { ${tokenFields} } }`,
        'register',
        { input: { email, password } },
      )
      return { ...tokens, email, password, userId: tokens.user.id }
    },
    login: ({ email, password }) =>
      tokensOf(`mutation ($input: LoginInput!) { login(input: $input) { ${tokenFields} } }`, 'login', {
        input: { email, password },
      }),
    refresh: (refreshToken, attempt) =>
      send(
        `mutation ($refreshToken: String!, $attempt: String) {
          refresh(refreshToken: $refreshToken, attempt: $attempt) { ${tokenFields} } }`,
        { variables: { refreshToken, attempt } },
      ),
  }
}

const secretNames = new Set([
  'password',
  'currentPassword',
  'newPassword',
  'accessToken',
  'refreshToken',
  'token',
  'secret',
  'challenge',
  'recoveryCode',
  'recoveryCodes',
])

/** Collects secrets. globalTeardown.js fails the run when one of them stands in a log. */
export function noteSecrets(...values: unknown[]): void {
  const found: string[] = []
  const walk = (value: unknown, name: string): void => {
    if (typeof value === 'string' && secretNames.has(name) && value.length > 8) found.push(value)
    if (typeof value === 'object' && value !== null)
      for (const [key, inner] of Object.entries(value)) walk(inner, Array.isArray(value) ? name : key)
  }
  for (const value of values) walk(value, 'token')
  // Set in every run of the suite, and unset in the tools that use this client.
  const { TEST_LOG } = process.env
  if (found.length > 0 && TEST_LOG) appendFileSync(`${TEST_LOG}.secrets`, `${found.join('\n')}\n`)
}
