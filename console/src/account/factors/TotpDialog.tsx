import { Dialog } from '../../parts/Dialog.tsx'
import { Field } from '../../parts/Field.tsx'
import { Form } from '../../parts/Form.tsx'
import { useAct } from '../../parts/StepUp.tsx'
import { texts } from '../../texts/en.ts'
import type { Confirmed } from './Factors.tsx'
import { NameField } from './NameField.tsx'
import { QrCode } from './QrCode.tsx'

const { totp: text, problems } = texts.account.factors

export interface Enrollment {
  readonly id: string
  readonly secret: string
  readonly uri: string
}

/** Shows the key of an authenticator app, and takes the first code of it. */
export function TotpDialog({
  enrollment: { id, secret, uri },
  onAdded,
  onClose,
}: {
  enrollment: Enrollment
  onAdded: (confirmed: Confirmed) => void
  onClose: () => void
}) {
  const act = useAct()
  return (
    <Dialog heading={text.heading} onClose={onClose}>
      <p>{text.scan}</p>
      <QrCode text={uri} label={text.picture} />
      <p>
        {text.type}
        <br />
        <code className="secret">{secret.replace(/.{4}(?!$)/g, '$& ')}</code>
      </p>
      <p>
        <a href={uri}>{text.link}</a>
      </p>
      <Form
        submit={text.submit}
        onCancel={onClose}
        onSend={async ({ code = '', name = '' }) => {
          const { data } = await act<{ confirmTotp: Confirmed }>(
            `mutation ConfirmTotp($id: ID!, $code: String!) {
              confirmTotp(id: $id, code: $code) { factor { id } recoveryCodes } }`,
            { id, code },
          )
          const { factor } = data.confirmTotp
          // The app is added, and its codes are to be shown, whatever comes of the name.
          if (name)
            await act(
              'mutation NameFactor($id: ID!, $name: String!) { renameFactor(id: $id, name: $name) { id } }',
              { id: factor.id, name },
            ).catch(() => {})
          onAdded(data.confirmTotp)
        }}
      >
        {failure => (
          <>
            <Field
              label={text.code}
              name="code"
              inputMode="numeric"
              autoComplete="one-time-code"
              spellCheck={false}
              required
              problem={
                failure?.reason === 'ENROLLMENT_INVALID' ? text.expired : problems[failure?.reason ?? '']
              }
            />
            <NameField />
          </>
        )}
      </Form>
    </Dialog>
  )
}
