import { useSession } from 'annul/client/react'
import { createContext, type ReactNode, useCallback, useContext, useEffect, useRef, useState } from 'react'
import { askWhole } from '../data/ask.ts'
import { Failure } from '../data/failure.ts'
import { session } from '../session.ts'
import { texts } from '../texts/en.ts'
import { Dialog } from './Dialog.tsx'
import { Field } from './Field.tsx'
import { Form } from './Form.tsx'

const Prove = createContext<() => Promise<boolean>>(async () => false)

/** Asks for the password where an operation below it wants a recent proof. */
export function StepUp({ children }: { children: ReactNode }) {
  const [isAsking, setAsking] = useState(false)
  const waiting = useRef<((isProved: boolean) => void)[]>([])
  const prove = useCallback(() => {
    setAsking(true)
    return new Promise<boolean>(resolve => waiting.current.push(resolve))
  }, [])
  const end = useCallback((isProved: boolean) => {
    setAsking(false)
    for (const resolve of waiting.current.splice(0)) resolve(isProved)
  }, [])
  const { user } = useSession()
  const id = user?.id
  // The session may end while the question stands there, or become another person's.
  useEffect(() => () => end(false), [id, end])
  return (
    <Prove.Provider value={prove}>
      {children}
      {isAsking && (
        <Dialog heading={texts.stepUp.heading} onClose={() => end(false)}>
          <p>{texts.stepUp.lead}</p>
          <Form
            submit={texts.stepUp.submit}
            onCancel={() => end(false)}
            onSend={async ({ password = '' }) => {
              await session.reauthenticate(password)
              end(true)
            }}
          >
            <Field
              label={texts.stepUp.password}
              name="password"
              type="password"
              autoComplete="current-password"
              required
            />
          </Form>
        </Dialog>
      )}
    </Prove.Provider>
  )
}

/** @returns what asks for the password, and says whether it was right: false where the person does not want to */
export function useProve(): () => Promise<boolean> {
  return useContext(Prove)
}

/** What carries out a mutation. Where the server wants a recent proof, the person is asked, and it is sent once more. */
export type Act = <Data>(
  mutation: string,
  variables?: object,
) => Promise<{ data: Data; revokedOnAllNodesMs: number | undefined }>

/** @returns a function that throws Failure, also where the person does not want to prove who they are */
export function useAct(): Act {
  const prove = useProve()
  return useCallback(
    async <Data,>(mutation: string, variables: object = {}) => {
      try {
        return await askWhole<Data>(mutation, variables)
      } catch (error) {
        const wantsProof = error instanceof Failure && error.code === 'REAUTHENTICATION_REQUIRED'
        if (!wantsProof || !(await prove())) throw error
        return askWhole<Data>(mutation, variables)
      }
    },
    [prove],
  )
}
