import { useSession } from 'annul/client/react'
import { useState } from 'react'
import { type Aside, completeAside, logOut, openAside, presentAside } from '../../data/aside.ts'
import { askWhole } from '../../data/ask.ts'
import { failureOf } from '../../data/failure.ts'
import { Dialog } from '../../parts/Dialog.tsx'
import { Field } from '../../parts/Field.tsx'
import { Form } from '../../parts/Form.tsx'
import { ThenFactor } from '../../parts/ThenFactor.tsx'
import { texts } from '../../texts/en.ts'

const end = 'mutation EndAside($id: ID!) { revokeSession(id: $id) }'

/** Ends a session that was opened for it, and shows that its access token is refused from then on. */
export function TryIt() {
  const { tryIt } = texts.admin
  const { user } = useSession()
  const [isOpen, setOpen] = useState(false)
  const [lines, setLines] = useState<readonly string[]>([])
  const [turn, setTurn] = useState(0)
  const close = () => {
    setOpen(false)
    setLines([])
  }
  const tryWith = async ({ accessToken, sessionId }: Aside) => {
    try {
      await presentAside(accessToken)
      const { revokedOnAllNodesMs = 0 } = await askWhole(end, { id: sessionId })
      const refused = await presentAside(accessToken).catch(failureOf)
      const after = refused ? tryIt.after(refused.reason ?? refused.code) : tryIt.accepted
      setLines([tryIt.before, texts.admin.ended(revokedOnAllNodesMs), after])
    } finally {
      await logOut(accessToken)
    }
  }
  return (
    <>
      <button type="button" onClick={() => setOpen(true)}>
        {tryIt.button}
      </button>
      {isOpen && (
        <Dialog heading={tryIt.heading} onClose={close}>
          <p>{tryIt.lead}</p>
          <ThenFactor
            key={turn}
            lead={texts.factor.lead}
            dead={texts.factor.dead}
            onFactor={async (challenge, factor) => {
              await tryWith(await completeAside(challenge, factor))
              // Back to the password, for one more try.
              setTurn(turn + 1)
            }}
          >
            {unlessAsked => (
              <Form
                submit={tryIt.submit}
                onCancel={close}
                onSend={({ password = '' }) => {
                  setLines([])
                  return unlessAsked(async () => tryWith(await openAside(user?.email ?? '', password)))
                }}
              >
                <Field
                  label={tryIt.password}
                  name="password"
                  type="password"
                  autoComplete="current-password"
                  required
                />
              </Form>
            )}
          </ThenFactor>
          <div role="status">
            {lines.map(line => (
              <p key={line}>{line}</p>
            ))}
          </div>
        </Dialog>
      )}
    </>
  )
}
