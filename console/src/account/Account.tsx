import { ForSignedIn } from '../parts/ForSignedIn.tsx'
import { settings } from '../settings.ts'
import { texts } from '../texts/en.ts'
import './account.css'
import { Events } from './Events.tsx'
import { ForgottenPassword } from './ForgottenPassword.tsx'
import { Factors } from './factors/Factors.tsx'
import { Profile } from './Profile.tsx'
import { Sessions } from './Sessions.tsx'
import { SignUp } from './SignUp.tsx'
import { VerifyMail } from './VerifyMail.tsx'

const text = texts.account

const pages = (['profile', 'factors', 'sessions', 'events'] as const).filter(
  name => name !== 'factors' || settings.factors,
)

/** The room of one's own account. Some of its pages are for people who can not sign in. */
export default function Account({ rest: [page = '', step] }: { rest: readonly string[] }) {
  switch (page) {
    case 'sign-up':
      return <SignUp />
    case 'verify-email':
      return <VerifyMail />
    case 'forgotten-password':
      return <ForgottenPassword hasCode={step === 'code'} />
  }
  return (
    <ForSignedIn>
      <nav className="subnav" aria-label={text.pages}>
        {pages.map(name => {
          const isHere = page === name || (name === 'profile' && page === '')
          return (
            <a
              key={name}
              href={name === 'profile' ? '#/account' : `#/account/${name}`}
              aria-current={isHere ? 'page' : undefined}
            >
              {name === 'factors' ? text.factorsPage : text[name]}
            </a>
          )
        })}
      </nav>
      {page === 'sessions' ? (
        <Sessions />
      ) : page === 'events' ? (
        <Events />
      ) : page === 'factors' && settings.factors ? (
        <Factors />
      ) : (
        <Profile />
      )}
    </ForSignedIn>
  )
}
