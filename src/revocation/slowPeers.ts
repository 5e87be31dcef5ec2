/** The first and the longest pause in which a verifier that was slow gets no ages, in milliseconds. */
const shortestPauseMs = 1000
const longestPauseMs = 60_000

/**
 * Whether a verifier gets ages. One that does not acknowledge in time would hold up each revocation until its picture
 * lapses. So it gets no further age, lapses once, and gets ages again after a pause that doubles. This keeps
 * revocations fast; the promise does not depend on it.
 */
export interface SlowPeer {
  /** It has not acknowledged in time. @param position what it has to acknowledge before it gets ages again */
  isSlow(now: number, position: number): void
  mayHaveAge(now: number, acknowledged: number): boolean
  /** Whether it was ever too slow. */
  wasSlow(): boolean
}

export function grantAfterPauses(): SlowPeer {
  let pauseMs = shortestPauseMs
  let from = Number.NEGATIVE_INFINITY
  let owed = 0
  return {
    isSlow(now, position) {
      owed = position
      // Told once more of the same slowness.
      if (now < from) return
      // After a long time without a complaint, the past is forgotten.
      pauseMs = now - from > 2 * longestPauseMs ? shortestPauseMs : Math.min(longestPauseMs, pauseMs * 2)
      from = now + pauseMs
    },
    mayHaveAge: (now, acknowledged) => now >= from && acknowledged >= owed,
    wasSlow: () => from !== Number.NEGATIVE_INFINITY,
  }
}
