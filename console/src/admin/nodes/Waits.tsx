import { useId } from 'react'
import { texts } from '../../texts/en.ts'
import { Numbers } from './Numbers.tsx'

/** How many revocations were known everywhere within a time, and not within the one before. */
export interface WaitCount {
  /** Milliseconds; null: longer than all others. */
  readonly upToMs: number | null
  readonly count: number
}

/** Pixels. */
const row = 24
/** The longest bar, in percent of the width: on a phone the words take the rest. */
const widest = 50

/** The histogram of "revoked on all nodes": a bar for each time, the shortest at the top. */
export function Waits({ counts }: { counts: readonly WaitCount[] }) {
  const { log } = texts.admin
  const id = useId()
  const all = counts.reduce((sum, { count }) => sum + count, 0)
  const most = Math.max(1, ...counts.map(({ count }) => count))
  const wordOf = ({ upToMs }: WaitCount) => (upToMs === null ? log.longer : log.within(upToMs))
  let seen = 0
  const median = counts.find(({ count }) => {
    seen += count
    return seen * 2 >= all
  })
  const summary = all === 0 || !median ? log.noWaits : log.waitsSummary(all, wordOf(median))
  return (
    <figure aria-labelledby={id}>
      <figcaption id={id}>{log.waits}</figcaption>
      <svg width="100%" height={row * counts.length} role="img" aria-label={summary}>
        {counts.map((one, place) => (
          <g key={one.upToMs} transform={`translate(0 ${place * row})`}>
            <text x="112" y="17" textAnchor="end">
              {wordOf(one)}
            </text>
            <text x="150" y="17" textAnchor="end" className="count">
              {one.count || ''}
            </text>
            <rect x="158" y="4" width={`${(one.count / most) * widest}%`} height={row - 8} />
          </g>
        ))}
      </svg>
      <p className="soft">
        {summary} {log.waitsLead}
      </p>
      <Numbers
        label={log.waits}
        columns={[log.time, log.count]}
        rows={counts.map(one => [wordOf(one), one.count])}
      />
    </figure>
  )
}
