import { type ReactNode, useEffect, useRef, useState } from 'react'
import { type Failure, failureOf } from '../data/failure.ts'
import { texts } from '../texts/en.ts'
import { FailureNote } from './FailureNote.tsx'

/**
 * A form that carries something out once at a time, and says why it did not work. Its values are read when it is sent.
 *
 * @param props.onSend may throw: a Failure, or an error of the client. After a success the form is empty again.
 */
export function Form({
  children,
  submit,
  onSend,
  onCancel,
  isDangerous = false,
}: {
  children: ReactNode | ((failure: Failure | undefined) => ReactNode)
  submit: string
  onSend: (values: Readonly<Record<string, string>>) => Promise<unknown>
  onCancel?: () => void
  isDangerous?: boolean
}) {
  const form = useRef<HTMLFormElement>(null)
  const [isBusy, setBusy] = useState(false)
  const [failure, setFailure] = useState<Failure>()
  useEffect(() => {
    // The first field that was refused, so that the person can go on typing.
    if (failure) form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus()
  }, [failure])
  const send = async (data: FormData) => {
    if (isBusy) return
    setBusy(true)
    try {
      await onSend(Object.fromEntries([...data].map(([name, value]) => [name, String(value)])))
      setFailure(undefined)
      form.current?.reset()
    } catch (error) {
      setFailure(failureOf(error))
    } finally {
      setBusy(false)
    }
  }
  return (
    <form
      ref={form}
      onSubmit={event => {
        event.preventDefault()
        void send(new FormData(event.currentTarget))
      }}
    >
      {typeof children === 'function' ? children(failure) : children}
      <FailureNote failure={failure} />
      <div className="row">
        <button type="submit" className={isDangerous ? 'danger' : 'primary'} aria-disabled={isBusy}>
          {isBusy ? texts.form.working : submit}
        </button>
        {onCancel && (
          <button type="button" onClick={onCancel}>
            {texts.form.cancel}
          </button>
        )}
      </div>
    </form>
  )
}
