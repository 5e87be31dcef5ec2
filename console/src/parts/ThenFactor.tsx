import type { FactorAnswer } from 'annul/client'
import { type ReactNode, useState } from 'react'
import { type FactorQuestion, questionOf } from '../data/factors.ts'
import { FactorForm } from './FactorForm.tsx'

/**
 * Shows a form whose answer may be SECOND_FACTOR_REQUIRED, and then asks for the factor in its place. A challenge that
 * takes no further answer leads back to the form.
 */
export function ThenFactor({
  lead,
  dead,
  onFactor,
  children,
}: {
  /** What is said above the question. */
  lead: string
  /** Why the form is there once more. */
  dead: string
  onFactor: (challenge: string, factor: FactorAnswer) => Promise<unknown>
  /** @param unlessAsked carries out what the form sends */
  children: (unlessAsked: (send: () => Promise<unknown>) => Promise<void>) => ReactNode
}) {
  const [question, setQuestion] = useState<FactorQuestion>()
  const [isDead, setDead] = useState(false)
  const back = (isDead: boolean) => {
    setDead(isDead)
    setQuestion(undefined)
  }
  if (question) {
    const { challenge, methods } = question
    return (
      <>
        <p role="status">{lead}</p>
        <FactorForm
          methods={methods}
          challenge={challenge}
          onAnswer={factor => onFactor(challenge, factor)}
          onDead={() => back(true)}
          onCancel={() => back(false)}
        />
      </>
    )
  }
  return (
    <>
      {isDead && (
        <p role="alert" className="notice">
          {dead}
        </p>
      )}
      {children(async send => {
        try {
          await send()
        } catch (error) {
          const question = questionOf(error)
          if (question === undefined) throw error
          setQuestion(question)
        }
      })}
    </>
  )
}
