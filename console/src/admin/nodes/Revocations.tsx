import { texts } from '../../texts/en.ts'
import { PerMinute } from './PerMinute.tsx'
import { type WaitCount, Waits } from './Waits.tsx'

export interface Log {
  readonly size: number
  /** The last 60 minutes, the oldest first. */
  readonly perMinute: readonly number[]
  readonly revokedOnAllNodes: readonly WaitCount[]
}

/** The log in figures, and as two charts. */
export function Revocations({ log: { size, perMinute, revokedOnAllNodes } }: { log: Log }) {
  const { log } = texts.admin
  return (
    <section aria-labelledby="revocations">
      <h2 id="revocations">{log.heading}</h2>
      <dl className="figures">
        <div>
          <dt>{log.size}</dt>
          <dd>{size}</dd>
        </div>
        <div>
          <dt>{log.lastHour}</dt>
          <dd>{perMinute.reduce((sum, count) => sum + count, 0)}</dd>
        </div>
        <div>
          <dt>{log.thisMinute}</dt>
          <dd>{perMinute.at(-1) ?? 0}</dd>
        </div>
      </dl>
      <div className="charts">
        <PerMinute counts={perMinute} />
        <Waits counts={revokedOnAllNodes} />
      </div>
    </section>
  )
}
