import type { InputHTMLAttributes } from 'react'
import { Field } from '../../parts/Field.tsx'
import { texts } from '../../texts/en.ts'

const { name, nameHint } = texts.account.factors

/** The field of what the person calls a factor. */
export function NameField(input: InputHTMLAttributes<HTMLInputElement>) {
  return (
    <Field label={name} hint={nameHint} name="name" maxLength={100} autoCapitalize="sentences" {...input} />
  )
}
