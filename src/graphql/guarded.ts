import { unique } from './guards.ts'
import type { Requirement } from './requirements.ts'

/*
 * Which functions are guards, and what stands behind them. A schema may come twice: guarded by itself, and once more as a
 * part of a merged one. Then the second guard replaces the first, so that nobody is decided about twice, and keeps its
 * requirements, because a merge may have lost the directives.
 */

/** What a guard lets the allowed reach. */
export interface Behind<Guarded> {
  readonly inner: Guarded
  readonly requirements: readonly Requirement[]
}

const guards = new WeakMap<object, Behind<unknown>>()

/** @returns the guard */
export function noteGuard<Guarded extends object>(guard: Guarded, behind: Behind<Guarded>): Guarded {
  guards.set(guard, behind)
  return guard
}

/** What a function does without its guard, and all that must hold before. Of a function that is no guard, the function. */
export function behindGuard<Guarded extends object>(
  guard: Guarded,
  requirements: readonly Requirement[],
): Behind<Guarded> {
  const known = guards.get(guard) as Behind<Guarded> | undefined
  return known
    ? { inner: known.inner, requirements: unique([...known.requirements, ...requirements]) }
    : { inner: guard, requirements }
}
