import { useAsked } from '../data/useAsked.ts'
import { Awaited } from '../parts/Awaited.tsx'
import { Time } from '../parts/Time.tsx'
import { texts } from '../texts/en.ts'

const text = texts.account.factors

interface Factor {
  readonly id: string
  readonly kind: string
  readonly name: string | null
  readonly createdAt: string
  readonly lastUsedAt: string | null
}

/** The place of passkeys and second factors, where the schema has them. */
export function Factors() {
  const asked = useAsked<{ factors: readonly Factor[] }>(
    'query Factors { factors { id kind name createdAt lastUsedAt } }',
  )
  const { data } = asked
  return (
    <section className="card" aria-labelledby="factors">
      <h2 id="factors">{text.heading}</h2>
      <Awaited asked={asked} />
      {data?.factors.length === 0 && <p className="empty">{text.empty}</p>}
      {data?.factors.map(({ id, kind, name, createdAt, lastUsedAt }) => (
        <dl key={id} className="facts">
          <dt>{text.kinds[kind] ?? kind}</dt>
          <dd>{name}</dd>
          <dt>{text.added}</dt>
          <dd>
            <Time at={createdAt} />
          </dd>
          <dt>{text.lastUsed}</dt>
          <dd>
            <Time at={lastUsedAt} />
          </dd>
        </dl>
      ))}
    </section>
  )
}
