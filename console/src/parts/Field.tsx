import { type InputHTMLAttributes, type ReactNode, useId } from 'react'

/**
 * A labelled input, with a hint and what is wrong with its value. For e-mail addresses use `inputMode="email"`: browsers
 * refuse and rewrite addresses of type `email` that the server takes, such as those with letters beyond ASCII.
 */
export function Field({
  label,
  hint,
  problem,
  ...input
}: {
  label: string
  hint?: ReactNode
  problem?: string | undefined
} & InputHTMLAttributes<HTMLInputElement>) {
  const id = useId()
  const described = [hint ? `${id}-hint` : '', problem ? `${id}-problem` : ''].filter(Boolean).join(' ')
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input
        type="text"
        autoComplete="off"
        autoCapitalize="none"
        {...input}
        id={id}
        aria-invalid={problem ? true : undefined}
        aria-describedby={described || undefined}
      />
      {hint && (
        <small id={`${id}-hint`} className="hint">
          {hint}
        </small>
      )}
      {problem && (
        <small id={`${id}-problem`} className="problem">
          {problem}
        </small>
      )}
    </div>
  )
}
