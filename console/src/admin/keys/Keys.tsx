import { useAsked } from '../../data/useAsked.ts'
import { Busy } from '../../parts/Busy.tsx'
import { FailureNote } from '../../parts/FailureNote.tsx'
import { texts } from '../../texts/en.ts'
import type { Say } from '../parts/Said.tsx'
import { KeyTable, type SigningKey } from './KeyTable.tsx'
import { RevokeEverything } from './RevokeEverything.tsx'

const query = `query Keys {
  signingKeys { id algorithm signs signsFrom retiredAt verifiesUntil revokedAt }
}`

/** The keys of access tokens, and the button for the day when one of them was stolen. */
export function Keys({ say }: { say: Say }) {
  const { keyRing } = texts.admin
  const { data, failure, isBusy, reload } = useAsked<{ signingKeys: readonly SigningKey[] }>(query)
  return (
    <>
      <div className="row spread">
        <h1>{texts.admin.keys}</h1>
        <button type="button" onClick={reload}>
          {keyRing.reload}
        </button>
      </div>
      <p className="lead">{keyRing.lead}</p>
      <FailureNote failure={failure} />
      {data === undefined && isBusy && <Busy />}
      {data && <KeyTable keys={data.signingKeys} />}
      <RevokeEverything say={say} />
    </>
  )
}
