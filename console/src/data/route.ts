import { useSyncExternalStore } from 'react'

/*
 * The place within the page is the part of the address behind `#`: `#/admin/users`. So the server needs one route, and
 * the page works under any path.
 */

function subscribe(listener: () => void): () => void {
  addEventListener('hashchange', listener)
  return () => removeEventListener('hashchange', listener)
}

/** The present place: `/admin/users`. */
export function usePlace(): string {
  return useSyncExternalStore(subscribe, placeNow)
}

function placeNow(): string {
  const written = location.hash.slice(1) || '/'
  try {
    return decodeURI(written)
  } catch {
    // Typed by hand, such as `#/%`.
    return written
  }
}

export function goTo(place: string): void {
  location.hash = place
}
