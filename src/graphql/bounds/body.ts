import { GraphQLError } from 'graphql'

/** Bodies above this are refused: no operation of a client needs more. */
export const bodyLimitBytes = 100_000

/**
 * @param contentLength the header
 * @returns undefined for a body within the bound, or of a length that was not told
 */
export function refuseLargeBody(contentLength: string | null | undefined): GraphQLError | undefined {
  if (!(Number(contentLength) > bodyLimitBytes)) return undefined
  return new GraphQLError(`The body is larger than ${bodyLimitBytes} bytes.`, {
    extensions: { code: 'BODY_TOO_LARGE', http: { status: 413 } },
  })
}
