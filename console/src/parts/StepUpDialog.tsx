import { useState } from 'react'
import type { Factor } from '../data/factors.ts'
import { goTo } from '../data/route.ts'
import { useAsked } from '../data/useAsked.ts'
import { session } from '../session.ts'
import { settings } from '../settings.ts'
import { texts } from '../texts/en.ts'
import { Awaited } from './Awaited.tsx'
import { Dialog } from './Dialog.tsx'
import { FactorForm } from './FactorForm.tsx'
import { Field } from './Field.tsx'
import { Form } from './Form.tsx'

const { stepUp: text } = texts

/** Asks who the person is, for a field that wants a proof. @param props.mfa whether it takes a second factor */
export function StepUpDialog({ mfa, onEnd }: { mfa: boolean; onEnd: (isProved: boolean) => void }) {
  const [byFactor, setByFactor] = useState(false)
  const cancel = () => onEnd(false)
  return (
    <Dialog heading={text.heading} onClose={cancel}>
      <p>{mfa ? text.mfaLead : text.lead}</p>
      {mfa || byFactor ? (
        <ByFactor onEnd={onEnd} />
      ) : (
        <>
          <Form
            submit={text.submit}
            onCancel={cancel}
            onSend={async ({ password = '' }) => {
              await session.reauthenticate(password)
              onEnd(true)
            }}
          >
            <Field
              label={text.password}
              name="password"
              type="password"
              autoComplete="current-password"
              required
            />
          </Form>
          {settings.factors && (
            <p>
              <button type="button" onClick={() => setByFactor(true)}>
                {text.byFactor}
              </button>
            </p>
          )}
        </>
      )}
    </Dialog>
  )
}

function ByFactor({ onEnd }: { onEnd: (isProved: boolean) => void }) {
  const asked = useAsked<{ factors: readonly Pick<Factor, 'kind' | 'codesLeft'>[] }>(
    'query FactorKinds { factors { kind codesLeft } }',
  )
  const { data } = asked
  const methods = data?.factors.flatMap(({ kind, codesLeft }) => (codesLeft === 0 ? [] : [kind]))
  return (
    <>
      <Awaited asked={asked} />
      {methods?.length === 0 && (
        <p>
          {text.noFactor}{' '}
          <button
            type="button"
            onClick={() => {
              onEnd(false)
              goTo('/account/factors')
            }}
          >
            {text.addFactor}
          </button>
        </p>
      )}
      {methods !== undefined && methods.length > 0 && (
        <FactorForm
          methods={methods}
          onAnswer={async answer => {
            await session.reauthenticateWith(answer)
            onEnd(true)
          }}
          onCancel={() => onEnd(false)}
        />
      )}
    </>
  )
}
