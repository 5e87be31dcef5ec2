import { types } from 'node:util'

/** The part of a pino logger that Annul uses. */
export interface Log {
  info(details: object, message: string): void
  warn(details: object, message: string): void
  error(details: object, message: string): void
}

/** From the most lines to the fewest. */
export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

/** Lines of JSON, by the console, on standard error. */
export function openLog(level: LogLevel): Log {
  const least = logLevels.indexOf(level)
  const writer = (name: LogLevel, number: number) => (details: object, msg: string) => {
    if (logLevels.indexOf(name) < least) return
    console.error(JSON.stringify({ level: number, time: Date.now(), ...details, msg }))
  }
  // The numbers are pino's.
  return withSafeErrors({ info: writer('info', 30), warn: writer('warn', 40), error: writer('error', 50) })
}

/** pino's options: where lines go, and how an error is written. */
export function loggerOptions(level: string, stream?: { write(line: string): void }) {
  return {
    level,
    ...(stream && { stream }),
    serializers: { err: serializeError },
  }
}

/** @throws TypeError for an option `log` that lacks one of the three functions */
export function checkLog(log: Log): Log {
  for (const name of ['info', 'warn', 'error'] as const)
    if (typeof Object(log)[name] !== 'function')
      throw new TypeError(
        `The option "log" must have a function "${name}", as console and pino's loggers have.`,
      )
  return log
}

/** An app's own log. It gets errors as serializeError writes them, without the values that the errors were about. */
export function withSafeErrors(log: Log): Log {
  const safe = (details: object) =>
    'err' in details ? { ...details, err: serializeError(details.err) } : details
  return {
    info: (details, message) => log.info(safe(details), message),
    warn: (details, message) => log.warn(safe(details), message),
    error: (details, message) => log.error(safe(details), message),
  }
}

/** Passes on at most one call in this time: what fails again and again is told once. */
export function seldom<Told extends unknown[]>(
  everyMs: number,
  tell: (...told: Told) => void,
): (...told: Told) => void {
  let toldAt = Number.NEGATIVE_INFINITY
  return (...told) => {
    if (performance.now() - toldAt < everyMs) return
    toldAt = performance.now()
    tell(...told)
  }
}

/** What is written of an error. */
export interface SerializedError {
  readonly type: string
  readonly message: string
  readonly stack: string
  readonly code?: unknown
  readonly cause?: SerializedError
  readonly [more: string]: unknown
}

/** How many causes of an error are written: a chain of causes may be a circle. */
const maxCauses = 5

/**
 * An error without the values that it was about: a driver's error carries the statement's parameters, which are
 * e-mails and password hashes.
 */
export function serializeError(error: unknown, causes = maxCauses): SerializedError {
  if (!types.isNativeError(error)) return { type: typeof error, message: '', stack: '' }
  const fromDatabase = 'query' in error || 'severity' in error || error.name.startsWith('Drizzle')
  const { name } = error
  return {
    type: name,
    message: fromDatabase ? 'A statement failed.' : error.message,
    ...('code' in error && { code: error.code }),
    // The stack's first line repeats the message.
    stack: (error.stack ?? '')
      .split('\n')
      .filter(line => /^\s+at /.test(line))
      .join('\n'),
    ...(error.cause !== undefined && causes > 0 && { cause: serializeError(error.cause, causes - 1) }),
  }
}
