import { createContext, useContext } from 'react'

/** What is to be proved. */
export interface Wanted {
  /** Whether it takes a second factor. */
  readonly mfa: boolean
}

/** Asks for a proof. @returns whether it was given: false where the person does not want to */
export type Prove = (wanted: Wanted) => Promise<boolean>

/** Provided by StepUp. */
export const Proving = createContext<Prove>(async () => false)

export function useProve(): Prove {
  return useContext(Proving)
}
