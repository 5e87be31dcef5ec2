import { texts } from '../../texts/en.ts'

/** Stops what changes by itself, and lets it go on (WCAG 2.2.2). */
export function LiveSwitch({
  isLive,
  onChange,
  what,
}: {
  isLive: boolean
  onChange: (isLive: boolean) => void
  what: string
}) {
  const { label, paused } = texts.admin.live
  return (
    <p className="row live">
      <label>
        <input type="checkbox" checked={isLive} onChange={event => onChange(event.target.checked)} /> {label}
      </label>
      <span className="soft">{isLive ? what : paused}</span>
    </p>
  )
}
