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
  const place = location.hash.slice(1) || '/'
  try {
    return decodeURI(place)
  } catch {
    // A broken escape, as anybody may write it into a link.
    return place
  }
}

export function goTo(place: string): void {
  location.hash = place
}
