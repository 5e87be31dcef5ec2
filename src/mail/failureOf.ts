import { types } from 'node:util'
import { serializeError } from '../log.ts'

/** Errors of the connection, whose messages are Node's own: they hold neither an address nor a text of the server. */
const ownMessages = new Set(['ECONNECTION', 'ESOCKET', 'ETIMEDOUT', 'EDNS', 'ETLS', 'EABORT'])

/** What may be logged of a failed delivery. A server's answer may repeat the address, so only its numbers are. */
export function failureOf(error: unknown): object {
  if (!types.isNativeError(error)) return {}
  const { code, responseCode, command, response } = error as Error & Record<string, unknown>
  // An error of the database, or of the file system.
  if (command === undefined && responseCode === undefined && !ownMessages.has(String(code)))
    return error.name === 'UndeliverableError' ? {} : { err: serializeError(error) }
  const status = /^\d{3}[ -](\d\.\d{1,3}\.\d{1,3})/.exec(String(response))?.[1]
  return {
    code,
    ...(typeof responseCode === 'number' && { responseCode }),
    ...(status !== undefined && { status }),
    ...(typeof command === 'string' && { command }),
    ...(responseCode === undefined && ownMessages.has(String(code)) && { cause: error.message }),
  }
}
