import { useSyncExternalStore } from 'react'

/* How often the person has given a proof: what was refused for want of one is asked again. */

let proofs = 0
const listeners = new Set<() => void>()

export function noteProof(): void {
  proofs++
  for (const listener of listeners) listener()
}

export function useProofs(): number {
  return useSyncExternalStore(
    listener => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => proofs,
  )
}
