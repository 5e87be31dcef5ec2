/** Time as the follower and the barrier see it, so that a test can move it. */
export interface Clock {
  /** Milliseconds since some moment; it never steps, and it may stand still while the machine is suspended. */
  monotonic(): number
  /** Milliseconds since 1970; it may step, and it goes on while the machine is suspended. */
  wall(): number
  /** Calls once, not before this many milliseconds. The result cancels the call. */
  after(milliseconds: number, call: () => void): () => void
}

export const systemClock: Clock = {
  monotonic: () => performance.now(),
  wall: () => Date.now(),
  after(milliseconds, call) {
    const timer = setTimeout(call, Math.max(0, milliseconds))
    return () => clearTimeout(timer)
  },
}

/** Any two clocks of the fleet run within 5 % of each other: waits for others' leases are longer by this factor. */
export const clockRate = 1.05
