import { useSession } from 'annul/client/react'
import { useState } from 'react'
import { Said } from '../parts/Said.tsx'
import { texts } from '../texts/en.ts'
import { CodeForm } from './CodeForm.tsx'

const { verify: text, signUp } = texts.account

/** The page after a sign-up that waits for its mail. */
export function VerifyMail() {
  const { user } = useSession()
  const [isDone, setDone] = useState(false)
  return (
    <section className="narrow" aria-labelledby="verify">
      <h1 id="verify">{text.heading}</h1>
      {!isDone && (
        <>
          <p className="lead">{text.lead}</p>
          <CodeForm onDone={() => setDone(true)} />
        </>
      )}
      <Said text={isDone ? text.done : undefined} />
      {isDone && (
        <p>{user ? <a href="#/account">{signUp.toAccount}</a> : <a href="#/sign-in">{text.signIn}</a>}</p>
      )}
    </section>
  )
}
