import { useSyncExternalStore } from 'react'
import { onTokenChange, type TokenChange, tokenChanges } from '../data/tokenLog.ts'
import { texts } from '../texts/en.ts'
import { changesBetween, decode, wordOf } from './claims.ts'

const { explore } = texts
const clock = new Intl.DateTimeFormat('en', { timeStyle: 'medium' })

/** New tokens as they come: when, why, and which claims have changed. */
export function TokenChanges() {
  const changes = useSyncExternalStore(onTokenChange, tokenChanges)
  return (
    <>
      <h3 id="token-changes">{explore.changes}</h3>
      {changes.length === 0 ? (
        <p className="soft">{explore.noChanges}</p>
      ) : (
        <ol className="changes" aria-labelledby="token-changes" aria-live="polite">
          {changes.map(change => (
            <li key={change.id}>
              <Change change={change} />
            </li>
          ))}
        </ol>
      )}
    </>
  )
}

function Change({ change }: { change: TokenChange }) {
  const { at, why, reason, outcome, failure, former, token } = change
  const differences = former && token ? changesBetween(decode(former).claims, decode(token).claims) : []
  return (
    <>
      <p>
        <time dateTime={at}>{clock.format(new Date(at))}</time> {explore.why[why]}{' '}
        {reason && <code>{reason}</code>}
      </p>
      {outcome === 'running' && <p className="soft">{texts.form.working}</p>}
      {outcome === 'failed' && (
        <p className="problem">
          {explore.noNewToken} <code>{failure}</code>
        </p>
      )}
      {differences.length > 0 && (
        <details>
          <summary>{explore.changed(differences.map(([name]) => name))}</summary>
          <dl className="facts">
            {differences.map(([name, before, after]) => (
              <div key={name}>
                <dt>
                  <code>{name}</code>
                </dt>
                <dd>
                  <del>{before === undefined ? explore.none : wordOf(name, before)}</del>{' '}
                  <ins>{after === undefined ? explore.none : wordOf(name, after)}</ins>
                </dd>
              </div>
            ))}
          </dl>
        </details>
      )}
    </>
  )
}
