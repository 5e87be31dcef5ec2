import { texts } from '../../texts/en.ts'

/** Tells at the top of a place of the page what was done. */
export type Say = (text: string, place: string) => void

/** What was done. It stays in sight, wherever in the page it was done. @param props.text empty: nothing */
export function Said({ text, onClose }: { text: string; onClose: () => void }) {
  return (
    <div className={text ? 'said kept row spread' : undefined}>
      <span role="status">{text}</span>
      {text && (
        <button type="button" className="plain" aria-label={texts.form.close} onClick={onClose}>
          ×
        </button>
      )}
    </div>
  )
}
