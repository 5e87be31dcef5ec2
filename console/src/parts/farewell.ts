import { useSyncExternalStore } from 'react'
import { session } from '../session.ts'

/*
 * What a person did that has ended the own session, too. The server closes the page's socket before its answer arrives, so
 * the words outlive the room that they belong to. The next sign-in forgets them.
 */

let said: string | undefined
const listeners = new Set<() => void>()

export function sayFarewell(text: string | undefined): void {
  said = text
  for (const listener of listeners) listener()
}

session.subscribe(({ status }) => {
  if (status === 'signedIn' && said !== undefined) sayFarewell(undefined)
})

export function useFarewell(): string | undefined {
  return useSyncExternalStore(
    listener => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => said,
  )
}
