import { useState } from 'react'
import { useAsked } from '../../data/useAsked.ts'
import { Busy } from '../../parts/Busy.tsx'
import { FailureNote } from '../../parts/FailureNote.tsx'
import { texts } from '../../texts/en.ts'
import { LiveSwitch } from '../parts/LiveSwitch.tsx'
import { type ListedNode, NodeCard } from './NodeCard.tsx'
import { type Log, Revocations } from './Revocations.tsx'
import { TryIt } from './TryIt.tsx'

const query = `query Fleet {
  nodes { id kind name ageMs leaseMs since }
  revocationLog { size perMinute revokedOnAllNodes { upToMs count } }
}`

const everyMs = 1000

/** The fleet, as it is now: who decides by which memory, and how long revocations take to be known everywhere. */
export function Nodes() {
  const { fleet, live } = texts.admin
  const [isLive, setLive] = useState(true)
  const { data, failure, isBusy } = useAsked<{ nodes: readonly ListedNode[]; revocationLog: Log }>(
    query,
    {},
    isLive ? { everyMs } : {},
  )
  return (
    <>
      <div className="row spread">
        <h1>{fleet.heading}</h1>
        <TryIt />
      </div>
      <p className="lead">{fleet.lead}</p>
      <LiveSwitch isLive={isLive} onChange={setLive} what={live.nodes} />
      <FailureNote failure={failure} />
      {data === undefined && isBusy && <Busy />}
      {data && (
        <>
          <ul className="cards">
            {data.nodes.map(node => (
              <NodeCard key={node.id} node={node} />
            ))}
          </ul>
          <p className="soft">
            {data.nodes.every(({ kind }) => kind === 'AUTH') ? fleet.noVerifiers : fleet.written}
          </p>
          <Revocations log={data.revocationLog} />
        </>
      )}
    </>
  )
}
