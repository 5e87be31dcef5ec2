import { useId } from 'react'
import { texts } from '../../texts/en.ts'
import { Numbers } from './Numbers.tsx'

const [width, height] = [600, 140]

/** A bar for each of the last 60 minutes, this one at the right. */
export function PerMinute({ counts }: { counts: readonly number[] }) {
  const { log } = texts.admin
  const id = useId()
  const most = Math.max(1, ...counts)
  const step = width / Math.max(1, counts.length)
  const all = counts.reduce((sum, count) => sum + count, 0)
  return (
    <figure aria-labelledby={id}>
      <figcaption id={id}>{log.perMinute}</figcaption>
      <div className="plot">
        <span className="most">{most}</span>
        <svg
          viewBox={`0 0 ${width} ${height}`}
          preserveAspectRatio="none"
          role="img"
          aria-label={log.perMinuteSummary(all, Math.max(0, ...counts), counts.at(-1) ?? 0)}
        >
          {counts.map((count, place) => {
            const tall = (count / most) * height
            return <rect key={place} x={place * step + 1} y={height - tall} width={step - 2} height={tall} />
          })}
        </svg>
      </div>
      <p className="row spread soft axis">
        <span>{log.hourAgo}</span>
        <span>{log.now}</span>
      </p>
      <Numbers
        label={log.perMinute}
        columns={[log.minutesAgo, log.count]}
        rows={counts.map((count, place) => [String(counts.length - 1 - place), count] as const).toReversed()}
      />
    </figure>
  )
}
