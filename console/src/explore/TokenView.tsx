import { useSyncExternalStore } from 'react'
import { expectRefresh, noteForgotten, onTokenChange, presentToken } from '../data/tokenLog.ts'
import { session } from '../session.ts'
import { texts } from '../texts/en.ts'
import { type Claims, decode, wordOf } from './claims.ts'
import { RemainingLife } from './RemainingLife.tsx'

const { explore } = texts

/** The access token, decoded, with its remaining life. */
export function TokenView() {
  const present = useSyncExternalStore(onTokenChange, presentToken)
  const decoded = present && decode(present.token)
  return (
    <>
      <h3>{explore.token}</h3>
      {present && decoded ? (
        <RemainingLife since={present.since} claims={decoded.claims} />
      ) : (
        <p role="status">{explore.noToken}</p>
      )}
      <p className="row">
        <button
          type="button"
          aria-disabled={!present}
          onClick={() => {
            session.forgetAccessToken()
            noteForgotten()
          }}
        >
          {explore.expire}
        </button>
        <button
          type="button"
          onClick={() => {
            expectRefresh('asked')
            // The list of changes says what has failed.
            void session.refresh().catch(() => {})
          }}
        >
          {explore.refresh}
        </button>
      </p>
      {decoded && (
        <details>
          <summary>{explore.decoded}</summary>
          <Part name={explore.header} values={decoded.header} />
          <Part name={explore.claims} values={decoded.claims} />
        </details>
      )}
    </>
  )
}

function Part({ name, values }: { name: string; values: Claims }) {
  return (
    <>
      <h4>{name}</h4>
      <dl className="facts">
        {Object.entries(values).map(([claim, value]) => (
          <div key={claim}>
            <dt>
              <code>{claim}</code>
              {explore.claimNames[claim] && <small> {explore.claimNames[claim]}</small>}
            </dt>
            <dd>
              <code>{wordOf(claim, value)}</code>
            </dd>
          </div>
        ))}
      </dl>
    </>
  )
}
