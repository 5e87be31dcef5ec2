import { expect } from '@jest/globals'
import { SchemaError } from '../../src/graphql/requirements.ts'

/** The end of the message about somebody else's @auth. */
export const otherwise = " To keep that directive, call Annul's otherwise: rename: { directive: 'requires' }"

/** The message with which a schema is not built. */
export function refusalOf(build: () => unknown): string {
  try {
    build()
  } catch (error) {
    expect(error).toBeInstanceOf(SchemaError)
    return (error as SchemaError).message
  }
  throw new Error('The schema was built.')
}
