import { texts } from '../texts/en.ts'

const units: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
]
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' })
const absolute = new Intl.DateTimeFormat('en', {
  dateStyle: 'medium',
  timeStyle: 'medium',
  hourCycle: 'h23',
})

/** A moment: how long ago, and as a title when exactly. @param props.isExact whether the text says when exactly */
export function Time({ at, isExact = false }: { at: string | null | undefined; isExact?: boolean }) {
  if (!at) return <>{texts.time.never}</>
  const date = new Date(at)
  return (
    <time dateTime={at} title={absolute.format(date)}>
      {isExact ? absolute.format(date) : distance((date.getTime() - Date.now()) / 1000)}
    </time>
  )
}

function distance(seconds: number): string {
  const [unit, size] = units.find(([, size]) => Math.abs(seconds) >= size) ?? []
  if (unit === undefined || size === undefined) return texts.time.now
  return relative.format(Math.round(seconds / size), unit)
}
