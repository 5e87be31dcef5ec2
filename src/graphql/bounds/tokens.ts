import type { GraphQLError } from 'graphql'
import { beyond } from './limits.ts'

/** The parser's complaint, which has no code. Nothing of the document stands before the number. */
const complaint = /^Syntax Error: Document contains more tha[tn] (\d{1,9}) tokens\b/

/** What is told in place of the parser's complaint about the number of tokens. Undefined: it is another error. */
export function tooManyTokens({
  message,
  path,
}: {
  readonly message: string
  readonly path?: unknown
}): GraphQLError | undefined {
  const most = path === undefined ? complaint.exec(message)?.[1] : undefined
  return most === undefined ? undefined : beyond('tokens', Number(most))
}
