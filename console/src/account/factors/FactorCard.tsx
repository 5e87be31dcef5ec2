import { useState } from 'react'
import type { Factor } from '../../data/factors.ts'
import { Time } from '../../parts/Time.tsx'
import { texts } from '../../texts/en.ts'
import { RemoveFactor } from './RemoveFactor.tsx'
import { RenameFactor } from './RenameFactor.tsx'

const text = texts.account.factors

/** So few recovery codes that new ones should be made. */
const few = 3

/** One factor, with what can be done to it. @param props.isLast whether the password alone is left without it */
export function FactorCard({
  factor,
  isLast,
  onDone,
}: {
  factor: Factor
  isLast: boolean
  onDone: (text: string) => void
}) {
  const [asked, setAsked] = useState<'rename' | 'remove'>()
  const { kind, name, createdAt, lastUsedAt, codesLeft } = factor
  const kindName = text.kinds[kind] ?? kind
  const title = name || kindName
  const close = () => setAsked(undefined)
  return (
    <li className="card" aria-label={title}>
      <h2>{title}</h2>
      <dl className="facts">
        {title !== kindName && (
          <>
            <dt>{text.kind}</dt>
            <dd>{kindName}</dd>
          </>
        )}
        <dt>{text.added}</dt>
        <dd>
          <Time at={createdAt} />
        </dd>
        <dt>{text.lastUsed}</dt>
        <dd>
          <Time at={lastUsedAt} />
        </dd>
        {codesLeft !== null && (
          <>
            <dt>{text.left}</dt>
            <dd>
              <span className={codesLeft > few ? undefined : 'badge warn'}>{text.codesLeft(codesLeft)}</span>
            </dd>
          </>
        )}
      </dl>
      <div className="row">
        <button type="button" aria-label={text.rename.of(title)} onClick={() => setAsked('rename')}>
          {text.rename.open}
        </button>
        <button type="button" aria-label={text.remove.of(title)} onClick={() => setAsked('remove')}>
          {text.remove.open}
        </button>
      </div>
      {asked === 'rename' && <RenameFactor factor={factor} title={title} onDone={onDone} onClose={close} />}
      {asked === 'remove' && (
        <RemoveFactor id={factor.id} title={title} isLast={isLast} onDone={onDone} onClose={close} />
      )}
    </li>
  )
}
