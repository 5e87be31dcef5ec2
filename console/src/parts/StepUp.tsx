import { useSession } from 'annul/client/react'
import { type ReactNode, useCallback, useEffect, useRef, useState } from 'react'
import { askWhole } from '../data/ask.ts'
import { failureOf } from '../data/failure.ts'
import { noteProof } from '../data/proofs.ts'
import { StepUpDialog } from './StepUpDialog.tsx'
import { Proving, useProve, type Wanted } from './useProve.ts'

/** Asks for the password, or for a second factor, where an operation below it wants a recent proof. */
export function StepUp({ children }: { children: ReactNode }) {
  const [wanted, setWanted] = useState<Wanted>()
  const waiting = useRef<((isProved: boolean) => void)[]>([])
  const prove = useCallback(({ mfa }: Wanted) => {
    // Who waits for a second factor is served by no password.
    setWanted(former => ({ mfa: mfa || former?.mfa === true }))
    return new Promise<boolean>(resolve => waiting.current.push(resolve))
  }, [])
  const end = useCallback((isProved: boolean) => {
    setWanted(undefined)
    if (isProved) noteProof()
    for (const resolve of waiting.current.splice(0)) resolve(isProved)
  }, [])
  const { user } = useSession()
  const id = user?.id
  // The session may end while the question stands there, or become another person's.
  useEffect(() => () => end(false), [id, end])
  return (
    <Proving.Provider value={prove}>
      {children}
      {wanted && <StepUpDialog mfa={wanted.mfa} onEnd={end} />}
    </Proving.Provider>
  )
}

/** What carries out a mutation. Where the server wants a recent proof, the person is asked, and it is sent once more. */
export type Act = <Data>(
  mutation: string,
  variables?: object,
) => Promise<{ data: Data; revokedOnAllNodesMs: number | undefined }>

/** A recent password, and then a factor, since the account turns out to have some. */
const mostProofs = 2

/** @returns what carries something out, and once more after a proof; its errors are those of the work */
export function useProved(): <Done>(work: () => Promise<Done>) => Promise<Done> {
  const prove = useProve()
  return useCallback(
    async work => {
      for (let proofs = 0; ; proofs++) {
        try {
          return await work()
        } catch (error) {
          const failure = failureOf(error)
          const wantsProof = failure.code === 'REAUTHENTICATION_REQUIRED'
          if (!wantsProof || proofs === mostProofs || !(await prove(failure))) throw error
        }
      }
    },
    [prove],
  )
}

/** @returns a function that throws Failure, also where the person does not want to prove who they are */
export function useAct(): Act {
  const proved = useProved()
  return useCallback(
    <Data,>(mutation: string, variables: object = {}) => proved(() => askWhole<Data>(mutation, variables)),
    [proved],
  )
}
