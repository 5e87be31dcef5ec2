import { Time } from '../../parts/Time.tsx'
import { texts } from '../../texts/en.ts'

export interface ListedNode {
  readonly id: string
  readonly kind: string
  readonly name: string | null
  readonly ageMs: number | null
  readonly leaseMs: number
  readonly since: string
}

/** A node with its lease, and a bar of how much of the lease is used up. */
export function NodeCard({ node }: { node: ListedNode }) {
  const { fleet } = texts.admin
  const { id, kind, name, ageMs, leaseMs, since } = node
  const what = fleet.kinds[kind] ?? kind
  const title = name ?? `${what} ${id.slice(0, 8)}`
  return (
    <li className="card node" data-kind={kind}>
      <h2>{title}</h2>
      <p className="row">
        {name !== null && <span className="badge">{what}</span>}
        {kind === 'AUTH' && ageMs !== null && <span className="badge good">{fleet.answers}</span>}
      </p>
      {ageMs === null ? (
        <>
          <p className="age">{fleet.lease(leaseMs)}</p>
          <p className="soft">{fleet.unknownAge[kind]}</p>
        </>
      ) : (
        <>
          <meter
            min={0}
            max={leaseMs}
            low={leaseMs * 0.6}
            high={leaseMs * 0.9}
            optimum={0}
            value={Math.min(ageMs, leaseMs)}
            aria-label={fleet.ageOf(title)}
          />
          <p className="age">{fleet.age(ageMs, leaseMs)}</p>
          {ageMs > leaseMs && <p className="problem">{fleet.over}</p>}
        </>
      )}
      <p className="soft">
        {fleet.since} <Time at={since} />
      </p>
    </li>
  )
}
