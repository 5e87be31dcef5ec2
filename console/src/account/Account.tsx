import { ForSignedIn } from '../parts/ForSignedIn.tsx'
import { texts } from '../texts/en.ts'
import './account.css'
import { Events } from './Events.tsx'
import { ForgottenPassword } from './ForgottenPassword.tsx'
import { Profile } from './Profile.tsx'
import { Sessions } from './Sessions.tsx'
import { SignUp } from './SignUp.tsx'
import { VerifyMail } from './VerifyMail.tsx'

const text = texts.account

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
        {(['profile', 'sessions', 'events'] as const).map(name => {
          const isHere = page === name || (name === 'profile' && page === '')
          return (
            <a
              key={name}
              href={name === 'profile' ? '#/account' : `#/account/${name}`}
              aria-current={isHere ? 'page' : undefined}
            >
              {text[name]}
            </a>
          )
        })}
      </nav>
      {page === 'sessions' ? <Sessions /> : page === 'events' ? <Events /> : <Profile />}
    </ForSignedIn>
  )
}
