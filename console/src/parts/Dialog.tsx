import { type ReactNode, useId, useLayoutEffect, useRef } from 'react'
import { flushSync } from 'react-dom'
import { texts } from '../texts/en.ts'

/**
 * A dialog of the browser's own: it keeps the focus, which begins in its first field, closes by Escape,
 * and gives the focus back. Shown while it exists.
 */
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
  // Before the element leaves the page: only a dialog that is closed gives the focus back.
  useLayoutEffect(() => {
    const { current } = dialog
    current?.showModal()
    current?.querySelector<HTMLElement>('input:not([hidden], [type="checkbox"]), select, textarea')?.focus()
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
      // A second Escape closes it whatever the page says. What the page keeps is shown again.
      onClose={({ currentTarget }) => {
        if (currentTarget.open) return
        flushSync(onClose)
        if (currentTarget.isConnected) currentTarget.showModal()
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
