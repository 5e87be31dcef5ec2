import { useSession } from 'annul/client/react'
import { useEffect, useState } from 'react'
import { Busy } from '../parts/Busy.tsx'
import { texts } from '../texts/en.ts'
import { lookAtToken } from './fetcher.ts'
import { PanelSignIn } from './PanelSignIn.tsx'
import { TokenChanges } from './TokenChanges.tsx'
import { TokenView } from './TokenView.tsx'

const { explore } = texts

/** Who runs the operations, with which token, and how the token came to be. */
export function SessionPanel() {
  const { status, user, reason, session } = useSession()
  const [isOther, setOther] = useState(false)
  useEffect(() => {
    void session.ready.then(lookAtToken)
  }, [session])
  return (
    <section className="panel" aria-labelledby="who">
      <h2 id="who">{explore.session}</h2>
      {status === 'restoring' && <Busy />}
      {user && (
        <>
          <dl className="facts">
            <dt>{explore.email}</dt>
            <dd>
              {user.email} {!user.emailVerified && <small className="soft">({explore.unverified})</small>}
            </dd>
            <dt>{explore.id}</dt>
            <dd>
              <code>{user.id}</code>
            </dd>
            <dt>{explore.roles}</dt>
            <dd>{user.roles.join(', ') || explore.none}</dd>
            <dt>{explore.scopes}</dt>
            <dd>{user.scopes.join(', ') || explore.none}</dd>
          </dl>
          <p className="row">
            <button type="button" onClick={() => void session.logout()}>
              {texts.app.signOut}
            </button>
            <button type="button" aria-expanded={isOther} onClick={() => setOther(!isOther)}>
              {explore.asOther}
            </button>
          </p>
        </>
      )}
      {status === 'signedOut' && (
        <>
          <p>{explore.nobody}</p>
          {reason && (
            <p role="alert" className="notice">
              {texts.signIn.ended}{' '}
              <a href="#/docs/errors/UNAUTHENTICATED">
                <code>{reason}</code>
              </a>
            </p>
          )}
        </>
      )}
      {(status === 'signedOut' || (user && isOther)) && <PanelSignIn onDone={() => setOther(false)} />}
      {user && <TokenView />}
      <TokenChanges />
    </section>
  )
}
