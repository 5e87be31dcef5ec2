import { useSyncExternalStore } from 'react'

/*
 * Whether the last answer said that the server can't answer now. The page says so in one place, and looks every two
 * seconds whether it can again. Then whatever the page shows is asked anew.
 */

let isDown = false
let recoveries = 0
const listeners = new Set<() => void>()

export function noteOutage(down: boolean): void {
  if (down === isDown) return
  isDown = down
  if (!down) recoveries++
  for (const listener of listeners) listener()
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

export function useOutage(): boolean {
  return useSyncExternalStore(subscribe, () => isDown)
}

/** How often the server has come back: a part of the page that depends on it asks again. */
export function useRecoveries(): number {
  return useSyncExternalStore(subscribe, () => recoveries)
}
