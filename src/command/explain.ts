import { ConfigError } from '../config.ts'
import { DirectoryInUseError } from '../database/lockDirectory.ts'
import { outageOf } from '../database/outage.ts'
import { AuthError } from '../errors.ts'
import { SchemaError } from '../graphql/requirements.ts'
import { type SerializedError, serializeError } from '../log.ts'
import { MissingPackagesError } from '../optional.ts'
import { RevokeKeyError } from '../tokens/revokeSigningKey.ts'
import { WrongSecretError } from '../tokens/signingKeyRows.ts'

/** Ends the command with its message, which is one sentence for the operator. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
  readonly status: number

  /** @param status the exit status; default 1 */
  constructor(message: string, status = 1) {
    super(message)
    this.status = status
  }
}

/** What the operator is told of an error, and the exit status: 2 for settings, 1 for everything else. */
export interface Explanation {
  readonly text: string
  readonly status: number
}

const operatorErrors = [
  AuthError,
  CommandError,
  DirectoryInUseError,
  MissingPackagesError,
  RevokeKeyError,
  SchemaError,
  WrongSecretError,
]

/** One sentence for an error that the operator can correct; the error and its causes for any other error. */
export function explain(error: unknown): Explanation {
  if (error instanceof ConfigError) return { text: error.message, status: 2 }
  const status = error instanceof CommandError ? error.status : 1
  const outage = outageOf(error)
  if (outage) {
    const cause = outage.cause instanceof Error && outage.cause.message
    return { text: `The database at DATABASE_URL can't be reached: ${cause || 'no answer'}.`, status }
  }
  // An error with a `syscall` is Node's own: for example, the directory can't be written.
  if (error instanceof Error && (operatorErrors.some(kind => error instanceof kind) || 'syscall' in error))
    return { text: error.message, status }
  return { text: error instanceof Error ? textOf(serializeError(error)) : String(error), status }
}

/** As the log writes an error: a driver's own text has the statement's values, a password's hash among them. */
function textOf({ type, message, code, stack, cause }: SerializedError): string {
  const head = `${type}: ${message}${code === undefined ? '' : ` (${code})`}`
  const text = [head, stack].filter(line => line !== '').join('\n')
  return cause === undefined ? text : `${text}\nCaused by ${textOf(cause)}`
}
