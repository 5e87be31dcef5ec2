import { Field } from '../parts/Field.tsx'
import { settings } from '../settings.ts'
import { texts } from '../texts/en.ts'

const { newPassword, passwordHint, passwordAnyHint } = texts.account

/** The field of a new password. The server alone decides whether it is good enough. */
export function NewPassword({
  label = newPassword,
  name = 'newPassword',
  problem,
}: {
  label?: string
  name?: string
  problem: string | undefined
}) {
  const { passwordMinLength } = settings
  return (
    <Field
      label={label}
      hint={passwordMinLength === undefined ? passwordAnyHint : passwordHint(passwordMinLength)}
      name={name}
      type="password"
      autoComplete="new-password"
      required
      problem={problem}
    />
  )
}
