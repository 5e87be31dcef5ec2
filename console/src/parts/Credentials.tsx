import { texts } from '../texts/en.ts'
import { Field } from './Field.tsx'

const { signIn } = texts

/** The fields of a form to sign in. A browser's own type for e-mails refuses or rewrites addresses that the server takes. */
export function Credentials() {
  return (
    <>
      <Field label={signIn.email} name="email" inputMode="email" autoComplete="username" required />
      <Field
        label={signIn.password}
        name="password"
        type="password"
        autoComplete="current-password"
        required
      />
    </>
  )
}
