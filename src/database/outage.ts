import { types } from 'node:util'

/* Which errors of the drivers mean an outage, and which a row that already exists. Everything else is a bug. */

/** The database could not be asked: stopped, unreachable, starting, full or too slow. The driver's error is the cause. */
export class OutageError extends Error {
  override readonly name = 'OutageError'

  constructor(cause: unknown) {
    super('The database cannot be asked.', { cause })
  }
}

/** A statement or a transaction had no answer in time. */
export class DeadlineError extends Error {
  override readonly name = 'DeadlineError'
}

const outages = new Set([
  // of the `postgres` client and of Node's sockets
  ...[
    'CONNECTION_CLOSED',
    'CONNECTION_ENDED',
    'CONNECTION_DESTROYED',
    'CONNECT_TIMEOUT',
    'ECONNREFUSED',
    'ECONNRESET',
  ],
  ...['ETIMEDOUT', 'EPIPE', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOENT'],
  // of PostgreSQL: time-outs of statements and locks, a replica in place of the primary, deadlock, serialization
  ...['57014', '55P03', '25P03', '25006', '40001', '40P01'],
])

/** A driver's error as the rest of Annul sees it: an OutageError where it means an outage, otherwise unchanged. */
export function fromDriver(error: unknown): unknown {
  const outage = causes(error).find(isOutageOfDriver)
  return outage ? new OutageError(outage) : error
}

function isOutageOfDriver(error: unknown): boolean {
  return (
    error instanceof DeadlineError ||
    (hasErrors(error) && error.errors.some(isOutageOfDriver)) ||
    isNotAccepting(error) ||
    // class 08 connection, 28 refused log-in, 3D unknown database, 53 resources, 57P shutdown, 58 system
    (hasCode(error) && (outages.has(error.code) || /^(08|28|3D|53|57P|58)/.test(error.code)))
  )
}

/**
 * The database is closed to connections (`ALTER DATABASE … ALLOW_CONNECTIONS false`), for example while it is replaced by
 * a backup. PostgreSQL has no code for this alone: 55000 is also what a prepared transaction or a sequence may answer,
 * which would be a bug. So the words count as well, in the language of the server's messages that Annul can read.
 */
function isNotAccepting(error: unknown): boolean {
  return (
    hasCode(error) &&
    error.code === '55000' &&
    /^database ".*" is not currently accepting connections$/s.test(error.message)
  )
}

/** The outage behind an error, if there is one: drizzle wraps what the driver threw. */
export function outageOf(error: unknown): OutageError | undefined {
  return causes(error).find(cause => cause instanceof OutageError)
}

/** Whether a unique index, or a check, of this name refused a row. */
export function violates(error: unknown, index: string): boolean {
  return causes(error).some(
    cause =>
      hasCode(cause) &&
      ['23505', '23514'].includes(cause.code) &&
      [Reflect.get(cause, 'constraint_name'), Reflect.get(cause, 'constraint')].includes(index),
  )
}

/** The constraint and the table of a foreign key that refused a change; undefined for any other error. */
export function missedReference(error: unknown): { constraint: string; table: string } | undefined {
  const found = causes(error).find(cause => hasCode(cause) && cause.code === '23503')
  if (found === undefined) return undefined
  const member = (...names: string[]) =>
    String(names.map(name => Reflect.get(found, name)).find(Boolean) ?? '')
  return { constraint: member('constraint_name', 'constraint'), table: member('table_name', 'table') }
}

/** Whether a column of this name refused null. */
export function refusesNull(error: unknown, column: string): boolean {
  return causes(error).some(
    cause =>
      hasCode(cause) &&
      cause.code === '23502' &&
      [Reflect.get(cause, 'column_name'), Reflect.get(cause, 'column')].includes(column),
  )
}

function causes(error: unknown): Error[] {
  const found: Error[] = []
  for (let at = error; types.isNativeError(at) && found.length < 5; at = at.cause) found.push(at)
  return found
}

// Node's own errors are not instances of the `Error` of a vm context, in which test runners run code.
function hasCode(error: unknown): error is Error & { code: string } {
  return types.isNativeError(error) && 'code' in error && typeof error.code === 'string'
}

function hasErrors(error: unknown): error is AggregateError {
  return types.isNativeError(error) && 'errors' in error && Array.isArray(error.errors)
}
