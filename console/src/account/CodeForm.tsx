import { useSession } from 'annul/client/react'
import { ask } from '../data/ask.ts'
import { Form } from '../parts/Form.tsx'
import { texts } from '../texts/en.ts'
import { CodeField } from './CodeField.tsx'

const text = texts.account.verify

/** Takes the code of a mail that confirms an address. */
export function CodeForm({ onDone }: { onDone: () => void }) {
  const { session } = useSession()
  return (
    <Form
      submit={text.submit}
      onSend={async ({ token = '' }) => {
        await ask('mutation VerifyEmail($token: String!) { verifyEmail(token: $token) }', {
          token: token.trim(),
        })
        // The new address, or that the address is verified, comes with the next tokens.
        if (session.user) await session.refresh().catch(() => {})
        onDone()
      }}
    >
      {failure => <CodeField argument="token" failure={failure} />}
    </Form>
  )
}
