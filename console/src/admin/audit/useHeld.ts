import { useEffect, useRef, useState } from 'react'

/**
 * A list that is renewed by itself, as it is shown: what is new waits while the person reads.
 *
 * @param fresh the newest answer; undefined: there is none, and nothing is shown
 * @param isReading asked at each answer
 */
export function useHeld<T>(
  fresh: T | undefined,
  isReading: () => boolean,
): { shown: T | undefined; show(): void } {
  const [shown, setShown] = useState(fresh)
  const reading = useRef(isReading)
  reading.current = isReading
  useEffect(() => {
    setShown(former => (former !== undefined && fresh !== undefined && reading.current() ? former : fresh))
  }, [fresh])
  return { shown: fresh && shown, show: () => setShown(fresh) }
}

/** Whether the person points into a part of the page, has the focus or marks text in it, or has scrolled into it. */
export function isReadingIn(part: HTMLElement | null): boolean {
  if (part === null) return false
  const selection = getSelection()
  return (
    part.matches(':hover') ||
    part.contains(document.activeElement) ||
    (selection !== null && !selection.isCollapsed && selection.containsNode(part, true)) ||
    part.getBoundingClientRect().top < 0
  )
}
