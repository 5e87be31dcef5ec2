import type { Answer, TokensAnswer } from './client.ts'
import type { TestServer } from './server.ts'

/** A User-Agent header, and the name that the list of sessions shows for it. */
export const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
export const firefoxName = 'Firefox on Linux'

/** Every field of `Tokens`, of its session and of its user. */
export const wholeTokens = `accessToken tokenType expiresIn refreshToken
  session { id current device ipAddress createdAt lastUsedAt expiresAt }
  user { id email emailVerified roles scopes status createdAt sessions { id current } }`

export interface WholeTokens extends TokensAnswer {
  readonly tokenType: string
  readonly session: TokensAnswer['session'] & {
    readonly current: boolean
    readonly device: string | null
    readonly ipAddress: string | null
    readonly createdAt: string
    readonly lastUsedAt: string
  }
  readonly user: TokensAnswer['user'] & {
    readonly sessions: readonly { readonly id: string; readonly current: boolean }[]
  }
}

/** The claims of an access token. The signature is not checked. */
export function claimsOf(accessToken: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString())
}

/** A refusal without its message, which is for people only. */
export function refusal({ status, data, errors }: Answer<unknown>): unknown {
  return { status, data, errors: errors?.map(({ extensions }) => extensions) }
}

/** The refusal of an operation with one field, whose type is non-null. */
export function refused(extensions: Record<string, unknown>, status = 200): unknown {
  return { status, data: null, errors: [extensions] }
}

/** The live sessions, as a client lists them. */
export async function listSessions(node: TestServer, accessToken: string): Promise<string[] | undefined> {
  const answer = await node.send<{ sessions: { id: string }[] }>('{ sessions { id } }', {
    token: accessToken,
  })
  return answer.data?.sessions.map(({ id }) => id)
}

/** The data of an answer that must have succeeded. */
export function must<Data>(answer: Answer<Data>): Data {
  if (answer.errors || !answer.data) throw new Error(`Refused: ${JSON.stringify(answer.errors)}`)
  return answer.data
}
