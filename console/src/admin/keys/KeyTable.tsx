import { Time } from '../../parts/Time.tsx'
import { texts } from '../../texts/en.ts'
import { Scroll } from '../parts/Scroll.tsx'

export interface SigningKey {
  readonly id: string
  readonly algorithm: string
  readonly signs: boolean
  readonly signsFrom: string
  readonly retiredAt: string | null
  readonly verifiesUntil: string | null
  readonly revokedAt: string | null
}

export function KeyTable({ keys }: { keys: readonly SigningKey[] }) {
  const { keyRing } = texts.admin
  if (keys.length === 0) return <p className="empty">{keyRing.none}</p>
  return (
    <Scroll label={keyRing.table}>
      <table>
        <thead>
          <tr>
            <th scope="col">{keyRing.id}</th>
            <th scope="col">{keyRing.algorithm}</th>
            <th scope="col">{keyRing.state}</th>
            <th scope="col">{keyRing.signsFrom}</th>
            <th scope="col">{keyRing.retired}</th>
            <th scope="col">{keyRing.verifiesUntil}</th>
          </tr>
        </thead>
        <tbody>
          {keys.map(key => (
            <tr key={key.id}>
              <td>
                <code className="once">{key.id}</code>
              </td>
              <td>{key.algorithm}</td>
              <td>
                <State of={key} />
              </td>
              <td>
                <Time at={key.signsFrom} />
              </td>
              <td>{key.retiredAt ? <Time at={key.retiredAt} /> : '–'}</td>
              <td>
                {key.revokedAt ? '–' : key.verifiesUntil ? <Time at={key.verifiesUntil} /> : keyRing.noEnd}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  )
}

function State({ of: key }: { of: SigningKey }) {
  const state = stateOf(key)
  const look = { signs: 'good', next: '', verifies: '', over: 'warn', revoked: 'bad' }[state]
  return (
    <>
      <span className={`badge ${look}`}>{texts.admin.keyRing.states[state]}</span>{' '}
      {key.revokedAt && <Time at={key.revokedAt} />}
    </>
  )
}

function stateOf({ signs, signsFrom, verifiesUntil, revokedAt }: SigningKey) {
  if (revokedAt !== null) return 'revoked'
  if (signs) return 'signs'
  if (Date.parse(signsFrom) > Date.now()) return 'next'
  return verifiesUntil !== null && Date.parse(verifiesUntil) < Date.now() ? 'over' : 'verifies'
}
