import { useState } from 'react'
import { Dialog } from '../../parts/Dialog.tsx'
import { Form } from '../../parts/Form.tsx'
import { settings } from '../../settings.ts'
import { texts } from '../../texts/en.ts'

const { codes: text } = texts.account.factors

/** Recovery codes, shown once: to print, to save and to copy. The dialog stays until the person says that they are kept. */
export function RecoveryCodes({
  codes,
  email,
  onClose,
}: {
  codes: readonly string[]
  email: string
  onClose: () => void
}) {
  const [isCopied, setCopied] = useState(false)
  const [isWarned, setWarned] = useState(false)
  const heading = text.sheet(settings.siteName)
  const of = text.sheetOf(email, new Date().toISOString().slice(0, 10))
  const sheet = [heading, of, text.once, '', ...codes, ''].join('\n')
  const copy = async () => {
    await navigator.clipboard.writeText(sheet)
    setCopied(true)
  }
  return (
    <Dialog heading={text.heading} onClose={() => setWarned(true)}>
      <p>{text.lead}</p>
      <div className="sheet">
        <h3>{heading}</h3>
        <p>
          {of}
          <br />
          {text.once}
        </p>
        <ol>
          {codes.map(code => (
            <li key={code}>
              <code>{code}</code>
            </li>
          ))}
        </ol>
      </div>
      <div className="row">
        <button type="button" onClick={() => print()}>
          {text.print}
        </button>
        <button type="button" onClick={() => save(text.file, sheet)}>
          {text.download}
        </button>
        {/* Browsers give the clipboard to pages of https alone, and of `localhost`. */}
        {navigator.clipboard && (
          <button type="button" onClick={() => void copy()}>
            {texts.form.copy}
          </button>
        )}
        <span role="status">{isCopied && texts.form.copied}</span>
      </div>
      <Form submit={text.submit} onSend={async () => onClose()}>
        <p>
          <label className="check">
            <input type="checkbox" name="kept" required /> {text.kept}
          </label>
        </p>
        {isWarned && (
          <p role="alert" className="problem">
            {text.keepFirst}
          </p>
        )}
      </Form>
    </Dialog>
  )
}

/** Saves a text as a file, without a request. */
function save(name: string, content: string): void {
  const url = URL.createObjectURL(new Blob([content], { type: 'text/plain' }))
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  URL.revokeObjectURL(url)
}
