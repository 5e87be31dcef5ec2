import { useEffect, useRef } from 'react'
import { texts } from '../texts/en.ts'
import { Field } from './Field.tsx'

const { signIn } = texts

/**
 * The fields of a form to sign in. A browser's own type for e-mails refuses or rewrites addresses that the server takes,
 * and offers passkeys in a field that says `webauthn`.
 *
 * @param props.email what was typed before, where only the password is to be typed again
 */
export function Credentials({ email }: { email: string }) {
  const place = useRef<HTMLDivElement>(null)
  const isAgain = useRef(email !== '')
  useEffect(() => {
    if (isAgain.current) place.current?.querySelector<HTMLElement>('[type="password"]')?.focus()
  }, [])
  return (
    <div ref={place}>
      <Field
        label={signIn.email}
        name="email"
        inputMode="email"
        autoComplete="username webauthn"
        defaultValue={email}
        required
      />
      <Field
        label={signIn.password}
        name="password"
        type="password"
        autoComplete="current-password"
        required
      />
    </div>
  )
}
