import { type Failure, failureOf } from '../data/failure.ts'
import { wordsOf } from './guards.ts'

/** What the page says of an error. Errors that say the same are one. */
export interface Explanation {
  readonly key: string
  readonly failure: Failure
  /** What the field asks for, in words. */
  readonly required: string | undefined
  /** The fields that have failed, as paths of the answer: `users.edges.0`. */
  readonly places: readonly string[]
}

/** @param response the text that GraphiQL shows; anything but an answer with errors gives none */
export function explanationsOf(response: string | null | undefined): readonly Explanation[] {
  const found = new Map<string, Explanation>()
  for (const error of errorsOf(response)) {
    const { message, path, extensions } = Object(error)
    // An error of GraphQL's own may have no code.
    const failure = failureOf({ message, extensions: { code: 'GRAPHQL_VALIDATION_FAILED', ...extensions } })
    const key = JSON.stringify([failure.code, failure.reason, failure.argument, message])
    const places = Array.isArray(path) ? [path.join('.')] : []
    const former = found.get(key)
    found.set(key, {
      key,
      failure,
      required: requiredBy(extensions),
      places: [...(former?.places ?? []), ...places],
    })
  }
  return [...found.values()]
}

/** A FORBIDDEN names roles and scopes, a REAUTHENTICATION_REQUIRED the age and the kind of the proof. */
function requiredBy(extensions: unknown): string | undefined {
  const { required, maxAge, mfa } = Object(extensions)
  if (required === undefined && maxAge === undefined && mfa === undefined) return undefined
  return wordsOf([{ ...required, ...(maxAge !== undefined && { maxAge }), ...(mfa && { mfa }) }])
}

function errorsOf(response: string | null | undefined): readonly unknown[] {
  try {
    const { errors } = Object(JSON.parse(response || '{}'))
    return Array.isArray(errors) ? errors : []
  } catch {
    return []
  }
}
