import { useSession } from 'annul/client/react'
import { useCallback, useState } from 'react'
import type { Factor } from '../../data/factors.ts'
import { hasPasskeys } from '../../data/passkeys.ts'
import { useAsked } from '../../data/useAsked.ts'
import { Awaited } from '../../parts/Awaited.tsx'
import { Said } from '../../parts/Said.tsx'
import { texts } from '../../texts/en.ts'
import { AddPasskey } from './AddPasskey.tsx'
import { AddTotp } from './AddTotp.tsx'
import { FactorCard } from './FactorCard.tsx'
import { FactorReset } from './FactorReset.tsx'
import './factors.css'
import { MakeCodes } from './MakeCodes.tsx'
import { RecoveryCodes } from './RecoveryCodes.tsx'

const text = texts.account.factors

/** What a factor that was added brings: the codes of an account's first one. */
export interface Confirmed {
  readonly factor: { readonly id: string }
  readonly recoveryCodes: readonly string[] | null
}

/** The viewer's passkeys and second factors: to add, to name and to remove. */
export function Factors() {
  const { user } = useSession()
  const asked = useAsked<{ factors: readonly Factor[] }>(
    'query Factors { factors { id kind name createdAt lastUsedAt codesLeft } }',
  )
  const { data, reload } = asked
  const [said, setSaid] = useState<string>()
  const [codes, setCodes] = useState<readonly string[] | null>(null)
  const done = useCallback(
    (text: string) => {
      setSaid(text)
      reload()
    },
    [reload],
  )
  if (!user) return null
  const added = (text: string, { recoveryCodes }: Confirmed) => {
    setCodes(recoveryCodes)
    done(text)
  }
  const { factors = [] } = data ?? {}
  const isLast = factors.filter(({ kind }) => kind !== 'RECOVERY_CODE').length === 1
  return (
    <>
      <h1>{text.heading}</h1>
      <p className="lead">{text.lead}</p>
      <Said text={said} />
      <Awaited asked={asked} />
      {data && factors.length === 0 && <p className="empty">{text.empty}</p>}
      {factors.length > 0 && (
        <ul className="cards" aria-label={text.list}>
          {factors.map(factor => (
            <FactorCard
              key={factor.id}
              factor={factor}
              isLast={isLast && factor.kind !== 'RECOVERY_CODE'}
              onDone={done}
            />
          ))}
        </ul>
      )}
      {data && (
        <div className="row">
          {hasPasskeys && <AddPasskey onAdded={confirmed => added(text.passkey.done, confirmed)} />}
          <AddTotp onAdded={confirmed => added(text.totp.done, confirmed)} />
          {factors.length > 0 && (
            <MakeCodes
              onMade={codes => {
                setCodes(codes)
                done(text.codes.done)
              }}
            />
          )}
        </div>
      )}
      {codes && <RecoveryCodes codes={codes} email={user.email} onClose={() => setCodes(null)} />}
      <FactorReset onStopped={() => done(text.reset.stopped)} />
    </>
  )
}
