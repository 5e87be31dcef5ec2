import type { FactorAnswer, FactorMethod } from 'annul/client'
import { useEffect, useRef, useState } from 'react'
import { isDead, methodOrder } from '../data/factors.ts'
import { answerByPasskey, hasPasskeys } from '../data/passkeys.ts'
import { texts } from '../texts/en.ts'
import { Field } from './Field.tsx'
import { Form } from './Form.tsx'

const { factor: text } = texts

/** Asks for one of the factors that an account has, again after a wrong one. */
export function FactorForm({
  methods,
  challenge,
  onAnswer,
  onDead,
  onCancel,
}: {
  methods: readonly FactorMethod[]
  /** Of SECOND_FACTOR_REQUIRED; without it, the proof is for the session of the person who is signed in. */
  challenge?: string
  /** Gives the answer to the server. */
  onAnswer: (answer: FactorAnswer) => Promise<unknown>
  /** The challenge takes no further answer. */
  onDead?: () => void
  onCancel: () => void
}) {
  const usable = methodOrder.filter(
    method => methods.includes(method) && (method !== 'PASSKEY' || hasPasskeys),
  )
  const [chosen, setChosen] = useState<FactorMethod>()
  const [method] = usable.filter(method => method === chosen).concat(usable)
  const place = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (method) place.current?.querySelector<HTMLElement>('input, button')?.focus()
  }, [method])
  const read = async (values: Readonly<Record<string, string>>): Promise<FactorAnswer> => {
    if (method === 'PASSKEY') return answerByPasskey(challenge)
    // Apps show codes in groups, and the groups come along when a code is copied.
    const code = (values.code ?? '').replace(/\s/g, '')
    return method === 'TOTP' ? { totp: code } : { recoveryCode: code }
  }
  return (
    <div ref={place}>
      {method === undefined && <p>{text.noneUsable}</p>}
      {method !== undefined && (
        <Form
          key={method}
          submit={method === 'PASSKEY' ? text.usePasskey : text.submit}
          onCancel={onCancel}
          onSend={async values => {
            try {
              await onAnswer(await read(values))
            } catch (error) {
              if (onDead === undefined || !isDead(error)) throw error
              onDead()
            }
          }}
        >
          {failure => {
            const problem = failure?.reason === 'CODE_INVALID' ? text.wrong[method] : undefined
            if (method === 'PASSKEY') return <p>{text.passkey}</p>
            if (method === 'TOTP') return <CodeField problem={problem} />
            return (
              <Field
                label={text.recoveryCode}
                hint={text.recoveryCodeHint}
                name="code"
                autoCapitalize="characters"
                spellCheck={false}
                required
                problem={problem}
              />
            )
          }}
        </Form>
      )}
      {usable.length > 1 && (
        <p className="row others">
          <span>{text.otherWays}</span>
          {usable
            .filter(other => other !== method)
            .map(other => (
              <button key={other} type="button" onClick={() => setChosen(other)}>
                {text.ways[other]}
              </button>
            ))}
        </p>
      )}
    </div>
  )
}

/** The field of an authenticator app's code. Phones show digits for it, and fill it in. */
export function CodeField({ problem }: { problem: string | undefined }) {
  return (
    <Field
      label={text.code}
      hint={text.codeHint}
      name="code"
      inputMode="numeric"
      autoComplete="one-time-code"
      spellCheck={false}
      required
      problem={problem}
    />
  )
}
