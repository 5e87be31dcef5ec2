import { logOut } from '../data/aside.ts'
import { Credentials } from '../parts/Credentials.tsx'
import { Form } from '../parts/Form.tsx'
import { session } from '../session.ts'
import { texts } from '../texts/en.ts'

const { signIn } = texts

/** Signs in, or as another user, whose session takes the place of the present one. */
export function PanelSignIn({ onDone }: { onDone: () => void }) {
  return (
    <Form
      submit={signIn.submit}
      onSend={async ({ email = '', password = '' }) => {
        const { authorization } = await session.headers().catch((): { authorization?: string } => ({}))
        await session.login({ email, password })
        // Nobody in this browser could end the former session any more: its cookie was replaced.
        if (authorization) await logOut(authorization.slice('Bearer '.length))
        onDone()
      }}
    >
      <Credentials />
    </Form>
  )
}
