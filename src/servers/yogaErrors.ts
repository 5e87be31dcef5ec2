import { GraphQLError, type GraphQLFormattedError } from 'graphql'
import { AuthError } from '../errors.ts'

/** As formatErrors.ts makes it. */
type FormatError = (formatted: GraphQLFormattedError, error: unknown) => GraphQLFormattedError

/** Errors as Yoga sends them, which hold nothing but what formatErrors lets through. */
export interface SafeErrors {
  /**
   * The error that a client may read. What is safe already stays as it is, so that an error is logged once.
   *
   * @param code of an error of graphql's own that has none
   */
  of(error: unknown, code?: string): GraphQLError
  /**
   * The safe errors of an answer, whatever Yoga's `maskedErrors` has made of them meanwhile.
   *
   * @param errors of the answer, as it is about to be sent
   * @param made the safe errors before, in the order of the answer
   */
  restore(errors: readonly unknown[], made: readonly GraphQLError[]): readonly GraphQLError[]
}

export function openSafeErrors(formatError: FormatError): SafeErrors {
  const safe = new WeakSet<GraphQLError>()
  const isSafe = (error: unknown): error is GraphQLError => error instanceof GraphQLError && safe.has(error)

  const of: SafeErrors['of'] = (error, code) => {
    if (isSafe(error)) return error
    const cause = unwrapped(error)
    const made =
      cause instanceof GraphQLError ? fromGraphQL(formatError, cause, code) : from(formatError, cause)
    safe.add(made)
    return made
  }

  return {
    of,
    restore(errors, made) {
      const alike = errors.length === made.length
      return errors.map((error, at) => (isSafe(error) ? error : (alike && made[at]) || of(error)))
    },
  }
}

/** Yoga and the executor put a GraphQLError around what is thrown outside of fields, with the thrown message. */
function unwrapped(error: unknown): unknown {
  if (!(error instanceof GraphQLError) || error.path) return error
  return error.originalError ? unwrapped(error.originalError) : error
}

function from(formatError: FormatError, error: unknown): GraphQLError {
  const { message, extensions } = formatError({ message: '', extensions: internal }, error)
  return new GraphQLError(message, { extensions: withStatus(extensions) })
}

function fromGraphQL(formatError: FormatError, error: GraphQLError, code?: string): GraphQLError {
  const fallback = error.path ? internal : code === undefined ? {} : { code }
  const formatted = formatError(
    { ...error.toJSON(), extensions: { ...fallback, ...error.extensions } },
    error,
  )
  const { nodes, source, positions } = error
  const { http } = error.extensions
  const isPublic = !isInternal(formatted.extensions) && !(error.originalError instanceof AuthError)
  return new GraphQLError(formatted.message, {
    nodes: nodes ?? null,
    source: source ?? null,
    positions: positions ?? null,
    path: error.path ?? null,
    // `http` is for Yoga, which takes it out: the status that the author of the error wants.
    extensions: {
      ...(error.path ? formatted.extensions : withStatus(formatted.extensions)),
      ...(isPublic && http && { http }),
    },
  })
}

const internal = { code: 'INTERNAL_SERVER_ERROR' }

function isInternal(extensions: GraphQLFormattedError['extensions']): boolean {
  return extensions?.code === internal.code
}

/** Nothing was carried out: a failure before the fields is one of the whole request. */
function withStatus(extensions: GraphQLFormattedError['extensions']): Record<string, unknown> {
  return { ...extensions, ...(isInternal(extensions) && { http: { status: 500 } }) }
}
