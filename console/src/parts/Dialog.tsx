import { type ReactNode, useEffect, useId, useRef } from 'react'
import { texts } from '../texts/en.ts'

/** A dialog of the browser's own: it keeps the focus, closes by Escape, and gives the focus back. Shown while it exists. */
export function Dialog({
  heading,
  children,
  onClose,
}: {
  heading: string
  children: ReactNode
  onClose: () => void
}) {
  const dialog = useRef<HTMLDialogElement>(null)
  const id = useId()
  useEffect(() => {
    const { current } = dialog
    current?.showModal()
    return () => current?.close()
  }, [])
  return (
    <dialog
      ref={dialog}
      aria-labelledby={id}
      onCancel={event => {
        event.preventDefault()
        onClose()
      }}
    >
      <div className="row spread">
        <h2 id={id}>{heading}</h2>
        <button type="button" className="plain" aria-label={texts.form.close} onClick={onClose}>
          ×
        </button>
      </div>
      {children}
    </dialog>
  )
}
