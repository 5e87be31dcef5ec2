import type { Failure } from '../data/failure.ts'
import { Field } from '../parts/Field.tsx'
import { texts } from '../texts/en.ts'
import { problemAt } from './problemAt.ts'

/** The field of the code that stands in a mail. */
export function CodeField({ argument, failure }: { argument: string; failure: Failure | undefined }) {
  return (
    <Field
      label={texts.account.code}
      hint={texts.account.codeHint}
      name="token"
      autoComplete="one-time-code"
      autoCapitalize="characters"
      spellCheck={false}
      required
      problem={problemAt(failure, argument)}
    />
  )
}
