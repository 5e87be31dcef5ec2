import { useSession } from 'annul/client/react'
import { useEffect, useState } from 'react'
import { useAsked } from '../data/useAsked.ts'
import { Awaited } from '../parts/Awaited.tsx'
import { Said } from '../parts/Said.tsx'
import { Time } from '../parts/Time.tsx'
import { texts } from '../texts/en.ts'
import { ChangeEmail } from './ChangeEmail.tsx'
import { ChangePassword } from './ChangePassword.tsx'
import { DeleteAccount } from './DeleteAccount.tsx'
import { VerifyEmail } from './VerifyEmail.tsx'

const text = texts.account

interface Me {
  readonly email: string
  readonly emailVerified: boolean
  readonly roles: readonly string[]
  readonly scopes: readonly string[]
  readonly createdAt: string
}

/** Who one is here, and what one can change about it. */
export function Profile() {
  const { user } = useSession()
  const asked = useAsked<{ me: Me }>('query Profile { me { email emailVerified roles scopes createdAt } }')
  const { data, reload } = asked
  const [said, setSaid] = useState<string>()
  useEffect(() => {
    // The link of a mail is opened in another tab.
    addEventListener('focus', reload)
    return () => removeEventListener('focus', reload)
  }, [reload])
  if (!user) return null
  const { email, emailVerified, roles, scopes, createdAt } = data?.me ?? {}
  const done = (text: string) => {
    setSaid(text)
    reload()
  }
  return (
    <>
      <h1>{text.heading}</h1>
      <Awaited asked={asked} />
      {email !== undefined && (
        <dl className="facts">
          <dt>{text.email}</dt>
          <dd>
            {email}{' '}
            <span className={`badge ${emailVerified ? 'good' : 'warn'}`}>
              {emailVerified ? text.verified : text.unverified}
            </span>
          </dd>
          <dt>{text.since}</dt>
          <dd>
            <Time at={createdAt} />
          </dd>
          <dt>{text.roles}</dt>
          <dd>{roles?.join(', ') || text.none}</dd>
          <dt>{text.scopes}</dt>
          <dd>{scopes?.join(', ') || text.none}</dd>
        </dl>
      )}
      <Said text={said} />
      <div className="panels">
        {emailVerified === false && <VerifyEmail onDone={() => done(text.verify.done)} />}
        <ChangePassword email={email ?? user.email} />
        <ChangeEmail onDone={() => done(text.changeEmail.done)} />
        <DeleteAccount email={email ?? user.email} />
      </div>
    </>
  )
}
