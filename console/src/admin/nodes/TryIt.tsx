import { useSession } from 'annul/client/react'
import { useState } from 'react'
import { logOut, openAside, presentAside } from '../../data/aside.ts'
import { askWhole } from '../../data/ask.ts'
import { failureOf } from '../../data/failure.ts'
import { Dialog } from '../../parts/Dialog.tsx'
import { Field } from '../../parts/Field.tsx'
import { Form } from '../../parts/Form.tsx'
import { texts } from '../../texts/en.ts'

const end = 'mutation EndAside($id: ID!) { revokeSession(id: $id) }'

/** Ends a session that was opened for it, and shows that its access token is refused from then on. */
export function TryIt() {
  const { tryIt } = texts.admin
  const { user } = useSession()
  const [isOpen, setOpen] = useState(false)
  const [lines, setLines] = useState<readonly string[]>([])
  const close = () => {
    setOpen(false)
    setLines([])
  }
  return (
    <>
      <button type="button" onClick={() => setOpen(true)}>
        {tryIt.button}
      </button>
      {isOpen && (
        <Dialog heading={tryIt.heading} onClose={close}>
          <p>{tryIt.lead}</p>
          <Form
            submit={tryIt.submit}
            onCancel={close}
            onSend={async ({ password = '' }) => {
              setLines([])
              const { accessToken, sessionId } = await openAside(user?.email ?? '', password)
              try {
                await presentAside(accessToken)
                const { revokedOnAllNodesMs = 0 } = await askWhole(end, { id: sessionId })
                const refused = await presentAside(accessToken).catch(failureOf)
                const after = refused ? tryIt.after(refused.reason ?? refused.code) : tryIt.accepted
                setLines([tryIt.before, texts.admin.ended(revokedOnAllNodesMs), after])
              } finally {
                await logOut(accessToken)
              }
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
